/* primes LIMIT: prints the primes below a limit. */
#include <stdio.h>
#include <stdlib.h>

#include "sieve.h"

enum { ROOM = 10000 };

int main(int argc, char **argv)
{
    static unsigned primes[ROOM];
    size_t count = primes_below(argc > 1 ? (unsigned)atoi(argv[1]) : 30, primes, ROOM);

    for (size_t i = 0; i < count; i++)
        printf(i ? " %u" : "%u", primes[i]);
    putchar('\n');
    return 0;
}
