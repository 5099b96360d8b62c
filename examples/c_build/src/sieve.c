#include "sieve.h"

#include <stdlib.h>

size_t primes_below(unsigned limit, unsigned *primes, size_t room)
{
    size_t count = 0;
    char *composite = calloc(limit ? limit : 1, 1);

    if (!composite)
        return 0;
    for (unsigned n = 2; n < limit && count < room; n++) {
        if (composite[n])
            continue;
        primes[count++] = n;
        for (unsigned long multiple = (unsigned long)n * n; multiple < limit; multiple += n)
            composite[multiple] = 1;
    }
    free(composite);
    return count;
}
