// Weights held in fewer bits: int8 with scales, and half precision. The rounded policy is made here
// too, so that what rounding costs can be measured before it is flashed.
//
// int8 has a scale for each row, and in the first layer one for each column too: observations have
// units, and where one is a hundred times another its weights are as much smaller. With rows' scales
// alone these became zeros; on Ant the action was off eight times as far, and a seventh of the
// return lost.
#include "io/rounding.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;        // a weight
    size_t scale_bytes;  // besides, an output, and an observation
} kinds[UDY_WEIGHTS_COUNT] = {
    [UDY_WEIGHTS_F32] = {"float32", 4, 0},
    [UDY_WEIGHTS_INT8] = {"int8", 1, 4},
    [UDY_WEIGHTS_FP16] = {"fp16", 2, 0},
};

const char *udy_weights_name(udy_weights weights) {
    return (unsigned)weights < UDY_WEIGHTS_COUNT ? kinds[weights].name : "unknown";
}

size_t udy_weights_bytes(const udy_plain_policy *policy, udy_weights weights) {
    size_t n = (size_t)policy->obs_dim * kinds[weights].scale_bytes;
    for (int l = 0; l < policy->n_layers; l++) {
        const size_t in = (size_t)policy->layer[l].in, out = (size_t)policy->layer[l].out;
        n += out * (in * kinds[weights].bytes + kinds[weights].scale_bytes + sizeof(float));
    }
    return n;
}

//------------------------------------------ Numbers -----------------------------------------------

uint16_t udy__half_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    bits &= 0x7fffffffu;
    if (bits < 0x38800000u) {
        // Below 2^-14, a multiple of 2^-24: adding 0.5 makes the unit in the last place just that.
        float f;
        memcpy(&f, &bits, 4);
        f += 0.5f;
        memcpy(&bits, &f, 4);
        return (uint16_t)(sign | (bits - 0x3f000000u));
    }
    if (bits >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);  // 2^16 and beyond
    bits += 0xfffu + (bits >> 13 & 1u);                          // to even
    bits -= (uint32_t)(127 - 15) << 23;
    return (uint16_t)(sign | bits >> 13);
}

float udy__half_value(uint16_t half) {
    // The exponent is put right by a multiplication, which is exact, subnormal numbers included.
    uint32_t bits = (uint32_t)(half & 0x8000u) << 16 | (uint32_t)(half & 0x7fffu) << 13;
    float f;
    memcpy(&f, &bits, 4);
    return f * 5.19229686e+33f;  // 2^112
}

static void column_scales(float *column, const udy_plain_layer *layer) {
    for (int i = 0; i < layer->in; i++) column[i] = 0;
    const float *w = layer->weight;
    for (int o = 0; o < layer->out; o++)
        for (int i = 0; i < layer->in; i++, w++) column[i] = fmaxf(column[i], fabsf(*w));
    for (int i = 0; i < layer->in; i++)
        if (column[i] < FLT_MIN) column[i] = 1;
}

void udy__int8_layer(int8_t *q, float *row, float *column, const udy_plain_layer *layer) {
    if (column) column_scales(column, layer);
    const float *w = layer->weight;
    for (int o = 0; o < layer->out; o++, w += layer->in) {
        float largest = 0;
        for (int i = 0; i < layer->in; i++)
            largest = fmaxf(largest, fabsf(column ? w[i] / column[i] : w[i]));
        row[o] = largest / 127;
        for (int i = 0; i < layer->in; i++, q++) {
            float x = row[o] > 0 ? rintf((column ? w[i] / column[i] : w[i]) / row[o]) : 0;
            *q = (int8_t)(x > 127 ? 127 : x < -127 ? -127 : x);
        }
    }
}

//------------------------------------------ Policies ----------------------------------------------

static int round_int8(float *to, const udy_plain_layer *layer, int l, udy_error *err) {
    const size_t rows = (size_t)layer->out, in = (size_t)layer->in;
    int8_t *q = udy_alloc(rows * in);
    float *row = udy_alloc((rows + in) * sizeof *row);
    float *column = l == 0 && row ? row + rows : NULL;
    int code = q && row ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "no memory to round layer %d", l);
    if (!code) udy__int8_layer(q, row, column, layer);
    for (size_t o = 0; o < rows && !code; o++)
        for (size_t i = 0; i < in; i++)
            to[o * in + i] = (float)q[o * in + i] * row[o] * (column ? column[i] : 1);
    udy_free(row);
    udy_free(q);
    return code;
}

static int round_fp16(float *to, const udy_plain_layer *layer, int l, udy_error *err) {
    const size_t n = (size_t)layer->in * (size_t)layer->out;
    for (size_t i = 0; i < n; i++) {
        uint16_t half = udy__half_of(layer->weight[i]);
        if ((half & 0x7fffu) >= 0x7c00u)
            return udy_error_set(err, UDY_EUNSUPPORTED,
                                 "layer %d has a weight of %g, beyond fp16's 65504; use int8 or "
                                 "float32",
                                 l, (double)layer->weight[i]);
        to[i] = udy__half_value(half);
    }
    return UDY_OK;
}

static int round_layer(float *to, const udy_plain_layer *layer, int l, udy_weights weights,
                       udy_error *err) {
    const size_t n = (size_t)layer->in * (size_t)layer->out;
    switch (weights) {
        case UDY_WEIGHTS_INT8: return round_int8(to, layer, l, err);
        case UDY_WEIGHTS_FP16: return round_fp16(to, layer, l, err);
        default: memcpy(to, layer->weight, n * sizeof(float)); return UDY_OK;
    }
}

// Floats for copies of every weight, bias and head.
static size_t room_for(const udy_plain_policy *policy) {
    size_t n = 0;
    for (int l = 0; l < policy->n_layers; l++) {
        const udy_plain_layer *layer = &policy->layer[l];
        n += (size_t)layer->out * ((size_t)layer->in + 1);
    }
    const int H = policy->layer[policy->n_layers - 1].in;
    if (policy->log_std_weight) n += (size_t)policy->act_dim * ((size_t)H + 1);
    return n;
}

// Copy n floats to *at, which goes on behind them.
static const float *keep(float **at, const float *from, size_t n) {
    float *to = *at;
    memcpy(to, from, n * sizeof *to);
    *at += n;
    return to;
}

int udy_plain_round(udy_plain_policy *out, const udy_plain_policy *policy, udy_weights weights,
                    udy_error *err) {
    *out = (udy_plain_policy){0};
    if ((unsigned)weights >= UDY_WEIGHTS_COUNT)
        return udy_error_set(err, UDY_EINVAL, "weights of kind %d: there is none", (int)weights);
    int code = udy_plain_check(policy, "a policy to round", err);
    if (code) return code;
    const size_t n = room_for(policy), ends = policy->obs_low ? 2 * (size_t)policy->obs_dim : 0;
    double *block = udy_alloc(ends * sizeof(double) + n * sizeof(float));
    float *at = block ? (float *)(void *)(block + ends) : NULL;
    udy_plain_policy rounded = *policy;
    rounded.block = block;
    if (block && ends) {
        const size_t bytes = ends / 2 * sizeof(double);
        rounded.obs_low = memcpy(block, policy->obs_low, bytes);
        rounded.obs_high = memcpy(block + ends / 2, policy->obs_high, bytes);
    }
    if (!at) code = udy_error_set(err, UDY_ENOMEM, "no memory for %zu rounded weights", n);
    for (int l = 0; l < policy->n_layers && !code; l++) {
        const udy_plain_layer *layer = &policy->layer[l];
        rounded.layer[l].weight = at;
        code = round_layer(at, layer, l, weights, err);
        at += (size_t)layer->in * (size_t)layer->out;
        rounded.layer[l].bias = keep(&at, layer->bias, (size_t)layer->out);
    }
    const size_t A = (size_t)policy->act_dim, H = (size_t)policy->layer[policy->n_layers - 1].in;
    if (!code && policy->log_std_weight) {
        rounded.log_std_weight = keep(&at, policy->log_std_weight, A * H);
        rounded.log_std_bias = keep(&at, policy->log_std_bias, A);
    }
    if (code)
        udy_free(rounded.block);
    else
        *out = rounded;
    return code;
}
