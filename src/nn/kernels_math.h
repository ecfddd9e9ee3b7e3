// exp and friends as plain arithmetic without branches, so that loops over them become vector code.
// Included by kernels_impl.h only. Errors against libm, measured by tests/unit/test_nn.c over all
// of the range: a few units in the last place (below 1e-6, relative). NaN stays NaN.
#ifndef UDY_NN_KERNELS_MATH_H_
#define UDY_NN_KERNELS_MATH_H_

#include <math.h>
#include <stdint.h>
#include <string.h>

#define UDY__INLINE static inline __attribute__((always_inline, unused))

UDY__INLINE float udy__clamp(float x, float low, float high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

UDY__INLINE float udy__with_sign(float magnitude, float sign) {
    uint32_t a, b;
    memcpy(&a, &magnitude, 4);
    memcpy(&b, &sign, 4);
    a = (a & 0x7fffffffu) | (b & 0x80000000u);
    memcpy(&magnitude, &a, 4);
    return magnitude;
}

// x = k ln 2 + r with |r| <= ln(2) / 2: returns exp(r) - 1, and 2^k in *scale. |x| <= 87.
UDY__INLINE float udy__exp_parts(float x, float *scale) {
    const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
    float shifted = x * 1.44269504f + magic;
    float k = shifted - magic;
    float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;  // ln 2 in two parts (Cody & Waite)
    uint32_t bits;
    memcpy(&bits, &shifted, 4);
    bits = (bits + 127u) << 23;
    memcpy(scale, &bits, 4);
    // Taylor: the first term left out is r^8 / 8!, 5e-9.
    float p = 1.98412698e-4f;
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    return p * (r * r) + r;
}

UDY__INLINE float udy__exp(float x) {  // saturates at exp(+-87)
    float scale, p = udy__exp_parts(udy__clamp(x, -87.0f, 87.0f), &scale);
    return p * scale + scale;
}

UDY__INLINE float udy__expm1(float x) {  // exact about 0, where exp(x) - 1 would cancel
    float scale, p = udy__exp_parts(udy__clamp(x, -87.0f, 87.0f), &scale);
    return p * scale + (scale - 1.0f);
}

UDY__INLINE float udy__sigmoid(float x) {
    return 1.0f / (1.0f + udy__exp(-x));
}

UDY__INLINE float udy__tanh(float x) {
    float a = fabsf(x);
    float e = udy__expm1(2.0f * (a > 9.5f ? 9.5f : a));
    return udy__with_sign(e / (e + 2.0f), x);
}

// ln(1 + exp(x)) = max(x, 0) + ln(1 + u), u = exp(-|x|); ln(1 + u) = 2 atanh(u / (2 + u)).
UDY__INLINE float udy__softplus(float x) {
    float u = udy__exp(-fabsf(x));
    float s = u / (2.0f + u), t = s * s;
    float p = 1.0f / 17.0f;
    p = p * t + 1.0f / 15.0f;
    p = p * t + 1.0f / 13.0f;
    p = p * t + 1.0f / 11.0f;
    p = p * t + 1.0f / 9.0f;
    p = p * t + 1.0f / 7.0f;
    p = p * t + 1.0f / 5.0f;
    p = p * t + 1.0f / 3.0f;
    float log1p_u = 2.0f * s + 2.0f * s * t * p;
    return (x < 0.0f ? 0.0f : x) + log1p_u;
}

// erf: an odd polynomial below 0.93, 1 - exp(-t g(t)) above; coefficients fitted to the largest
// error (Lawson's iteration) on [0, 0.93] in t^2 and on [0.93, 4] in t.
UDY__INLINE float udy__erf(float x) {
    float a = fabsf(x), s = a * a;
    float t = a > 4.0f ? 4.0f : a;
    float p = -5.976893590e-4f;
    p = p * s + 4.990980029e-3f;
    p = p * s - 2.676556632e-2f;
    p = p * s + 1.128180251e-1f;
    p = p * s - 3.761249483e-1f;
    p = p * s + 1.283791512e-1f;
    float low = p * a + a;
    float g = 1.161252203e-5f;
    g = g * t - 3.266247804e-4f;
    g = g * t + 3.658018075e-3f;
    g = g * t - 2.379502356e-2f;
    g = g * t + 1.062752083e-1f;
    g = g * t + 6.351280808e-1f;
    g = g * t + 1.128654242f;
    float high = 1.0f - udy__exp(-t * g);
    return udy__with_sign(a > 0.93f ? high : low, x);
}

// d(z sigmoid(z))/dz
UDY__INLINE float udy__silu_slope(float z) {
    float s = udy__sigmoid(z);
    return s + z * (s * (1.0f - s));
}

// d(z Phi(z))/dz = Phi(z) + z phi(z)
UDY__INLINE float udy__gelu_slope(float z) {
    float normal_cdf = 0.5f + 0.5f * udy__erf(z * 0.707106781f);
    float c = udy__clamp(z, -13.0f, 13.0f);
    return normal_cdf + c * (0.398942280f * udy__exp(-0.5f * c * c));
}

#endif  // UDY_NN_KERNELS_MATH_H_
