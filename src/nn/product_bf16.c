// Matrix products of bfloat16 numbers with float32 sums, through oneDNN's matmul primitives, which are
// made for one shape each. With product.c, all that knows oneDNN. About twice as fast as float32
// where the CPU has instructions for them (AVX512_BF16, AMX).
#include <dnnl.h>
#include <math.h>
#include <omp.h>
#include <stdatomic.h>

#include "nn/nn_internal.h"

enum { SLOTS = 16 };  // threads that may run one product at once; more wait

// What a call has to itself: the objects that hold its addresses, and the room in which oneDNN
// rearranges its factors. Room of the primitive's own would be shared by all threads, and they would
// read each other's factors there.
typedef struct slot {
    atomic_flag busy;
    dnnl_memory_t a, b, c, scratch;
} slot;

struct udy__bf16 {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    slot slots[SLOTS];
};

bool udy__bf16_supported(void) {
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

static bool describe(dnnl_memory_desc_t *d, int rows, int cols, int row_stride, int col_stride,
                     dnnl_data_type_t type) {
    dnnl_dims_t dims = {rows, cols}, strides = {row_stride, col_stride};
    return dnnl_memory_desc_init_by_strides(d, 2, dims, type, strides) == dnnl_success;
}

static bool build(udy__bf16 *p, const udy__bf16_shape *s) {
    dnnl_memory_desc_t a, b, c;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    bool ok =
        describe(&a, s->M, s->K, s->transpose_a ? 1 : s->lda, s->transpose_a ? s->lda : 1,
                 dnnl_bf16) &&
        describe(&b, s->K, s->N, s->ldb, 1, dnnl_bf16) &&
        describe(&c, s->M, s->N, s->ldc, 1, dnnl_f32) &&
        dnnl_engine_create(&p->engine, dnnl_cpu, 0) == dnnl_success &&
        dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags) == dnnl_success &&
        dnnl_matmul_desc_init(&desc, &a, &b, NULL, &c) == dnnl_success &&
        dnnl_primitive_attr_create(&attr) == dnnl_success &&
        dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user) == dnnl_success &&
        dnnl_primitive_desc_create(&pd, &desc, attr, p->engine, NULL) == dnnl_success &&
        dnnl_primitive_create(&p->primitive, pd) == dnnl_success;
    // oneDNN's own allocation does not touch the memory: slots that are never used cost addresses.
    const dnnl_memory_desc_t *scratch =
        ok ? dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0) : NULL;
    ok = scratch != NULL;
    for (int i = 0; ok && i < SLOTS; i++) {
        slot *t = &p->slots[i];
        atomic_flag_clear(&t->busy);
        ok = dnnl_memory_create(&t->a, &a, p->engine, DNNL_MEMORY_NONE) == dnnl_success &&
             dnnl_memory_create(&t->b, &b, p->engine, DNNL_MEMORY_NONE) == dnnl_success &&
             dnnl_memory_create(&t->c, &c, p->engine, DNNL_MEMORY_NONE) == dnnl_success &&
             dnnl_memory_create(&t->scratch, scratch, p->engine, DNNL_MEMORY_ALLOCATE) ==
                 dnnl_success;
    }
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return ok;
}

int udy__bf16_create(udy__bf16 **out, const udy__bf16_shape *shape, udy_error *err) {
    *out = NULL;
    if (!udy__bf16_supported())
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "this CPU has no bfloat16 instructions (AVX512_BF16): use float32");
    udy__bf16 *p = udy_alloc(sizeof *p);
    if (!p) return udy_error_set(err, UDY_ENOMEM, "no memory for a product");
    int before = omp_get_max_threads();  // a primitive is made for the threads of its creation
    omp_set_num_threads(1);
    bool ok = build(p, shape);
    omp_set_num_threads(before);
    if (!ok) {
        udy__bf16_destroy(p);
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "oneDNN cannot make a bfloat16 product of %d x %d x %d", shape->M,
                             shape->N, shape->K);
    }
    *out = p;
    return UDY_OK;
}

void udy__bf16_destroy(udy__bf16 *p) {
    if (!p) return;
    for (int i = 0; i < SLOTS; i++) {
        if (p->slots[i].a) dnnl_memory_destroy(p->slots[i].a);
        if (p->slots[i].b) dnnl_memory_destroy(p->slots[i].b);
        if (p->slots[i].c) dnnl_memory_destroy(p->slots[i].c);
        if (p->slots[i].scratch) dnnl_memory_destroy(p->slots[i].scratch);
    }
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    if (p->stream) dnnl_stream_destroy(p->stream);
    if (p->engine) dnnl_engine_destroy(p->engine);
    udy_free(p);
}

void udy__bf16_run(udy__bf16 *p, const uint16_t *A, const uint16_t *B, float *C) {
    slot *t = p->slots;
    while (atomic_flag_test_and_set_explicit(&t->busy, memory_order_acquire))
        t = t + 1 < p->slots + SLOTS ? t + 1 : p->slots;
    int before = omp_get_max_threads();
    if (before != 1) omp_set_num_threads(1);
    // The handles are only read where the description says so; oneDNN's type is not const.
    (void)dnnl_memory_set_data_handle(t->a, (void *)(uintptr_t)A);
    (void)dnnl_memory_set_data_handle(t->b, (void *)(uintptr_t)B);
    (void)dnnl_memory_set_data_handle(t->c, C);
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, t->a},
        {DNNL_ARG_WEIGHTS, t->b},
        {DNNL_ARG_DST, t->c},
        {DNNL_ARG_SCRATCHPAD, t->scratch},
    };
    if (dnnl_primitive_execute(p->primitive, p->stream, 4, args) != dnnl_success) C[0] = NAN;
    if (before != 1) omp_set_num_threads(before);
    atomic_flag_clear_explicit(&t->busy, memory_order_release);
}
