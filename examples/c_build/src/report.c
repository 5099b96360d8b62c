/* report NUMBER...: says what is to be known about some numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "sieve.h"
#include "statistics.h"

enum { ROOM = 1000 };

int main(int argc, char **argv)
{
    static double numbers[ROOM];
    static unsigned primes[ROOM];
    size_t count = 0;

    for (int i = 1; i < argc && count < ROOM; i++)
        numbers[count++] = atof(argv[i]);
    printf("%zu numbers, mean %.2f, greatest %.0f\n", count, mean(numbers, count), greatest(numbers, count));
    printf("%zu primes below the greatest\n", primes_below((unsigned)greatest(numbers, count), primes, ROOM));
    return 0;
}
