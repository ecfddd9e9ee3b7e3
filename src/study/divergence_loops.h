// The loops of divergence_loops.c, written once and compiled for each set of vector instructions:
// UDY__NAME(f) names a function, UDY__TARGET says for which CPU. No include guard: included for each.

UDY__TARGET static void UDY__NAME(square_distances)(const double *x, const double *blocks, int dims,
                                                    size_t n_blocks, double *out) {
    for (size_t b = 0; b < n_blocks; b++, blocks += (size_t)dims * 8) {
        doubles sum = {0};
        for (int k = 0; k < dims; k++) {
            doubles d = x[k] - *(const doubles *)(blocks + (size_t)k * 8);
            sum += d * d;
        }
        *(doubles *)(out + b * 8) = sum;
    }
}

UDY__TARGET static float UDY__NAME(square_distances_f32)(const float *x, const float *blocks,
                                                         int dims, size_t n_blocks, float *out) {
    floats least = (floats){0} + INFINITY;
    for (size_t b = 0; b < n_blocks; b++, blocks += (size_t)dims * 64, out += 64) {
        floats sum[4] = {{0}};
        for (int k = 0; k < dims; k++) {
            for (int i = 0; i < 4; i++) {
                floats d = x[k] - *(const floats *)(blocks + (size_t)k * 64 + (size_t)i * 16);
                sum[i] += d * d;
            }
        }
        for (int i = 0; i < 4; i++) {
            *(floats *)(out + (size_t)i * 16) = sum[i];
            masks less = sum[i] < least;
            least = (floats)(((masks)sum[i] & less) | ((masks)least & ~less));
        }
    }
    float smallest = INFINITY;
    for (int i = 0; i < 16; i++) smallest = least[i] < smallest ? least[i] : smallest;
    return smallest;
}

#undef UDY__NAME
#undef UDY__TARGET
