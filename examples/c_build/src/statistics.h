#ifndef STATISTICS_H
#define STATISTICS_H

#include <stddef.h>

/* The mean of `count` numbers; 0 where there are none. */
double mean(const double *numbers, size_t count);

/* The greatest of `count` numbers; 0 where there are none. */
double greatest(const double *numbers, size_t count);

#endif
