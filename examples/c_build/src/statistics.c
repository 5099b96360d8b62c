#include "statistics.h"

double mean(const double *numbers, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += numbers[i];
    return count ? sum / count : 0;
}

double greatest(const double *numbers, size_t count)
{
    double best = count ? numbers[0] : 0;

    for (size_t i = 1; i < count; i++)
        if (numbers[i] > best)
            best = numbers[i];
    return best;
}
