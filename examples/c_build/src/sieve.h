#ifndef SIEVE_H
#define SIEVE_H

#include <stddef.h>

/* Writes the primes below `limit` to `primes`, at most `room` of them, and returns how many were written. */
size_t primes_below(unsigned limit, unsigned *primes, size_t room);

#endif
