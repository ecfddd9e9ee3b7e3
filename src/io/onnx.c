// Policies as ONNX models: a Gemm and an activation for each layer, then the action's scaling and
// bounds. The messages come from onnx.proto; nothing is copied into them but names: weights are
// packed from where the policy has them.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/export.h"
#include "onnx.pb-c.h"

// Every operator that we use has been the same since opset 13 and IR 7 (ONNX 1.8, 2020), which
// runtimes, compilers and converters for small devices all take.
#define IR_VERSION 7
#define OPSET 13
#define FLOAT 1                              // TensorProto.DataType
#define MODEL_BYTES_MAX ((size_t)INT32_MAX)  // protocol buffers'

#define NODES_MAX (UDY_PLAIN_LAYERS_MAX * (1 + UDY__ONNX_STEPS_MAX) + 6)
#define TENSORS_MAX (2 * UDY_PLAIN_LAYERS_MAX + 2 * UDY__ONNX_CONSTANTS_MAX + 6)
#define NAME_MAX_BYTES 40

typedef struct node {
    Udy__Onnx__NodeProto message;
    char *in[3], *out[1];
    char name[NAME_MAX_BYTES];
    Udy__Onnx__AttributeProto attribute, *attributes[1];
} node;

typedef struct tensor {
    Udy__Onnx__TensorProto message;
    int64_t dims[2];
    char name[NAME_MAX_BYTES];
} tensor;

// An input or output [batch, n].
typedef struct port {
    Udy__Onnx__ValueInfoProto message, *list[1];
    Udy__Onnx__TypeProto type;
    Udy__Onnx__TypeProto__Tensor matrix;
    Udy__Onnx__TensorShapeProto shape;
    Udy__Onnx__TensorShapeProto__Dimension dim[2], *dims[2];
} port;

typedef struct model {
    const udy_plain_policy *policy;
    udy__ending ending;
    float *ends;  // [2, O] what observations are clipped to; NULL: they are not
    node nodes[NODES_MAX];
    Udy__Onnx__NodeProto *node_list[NODES_MAX];
    tensor tensors[TENSORS_MAX];
    Udy__Onnx__TensorProto *tensor_list[TENSORS_MAX];
    size_t n_nodes, n_tensors;
    port in, out;
    Udy__Onnx__GraphProto graph;
    Udy__Onnx__OperatorSetIdProto opset, *opsets[1];
    Udy__Onnx__ModelProto message;
    char *value;  // the name of what the last node gives
} model;

// Messages take char *, and leave it alone.
static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

//------------------------------------------ Pieces ------------------------------------------------

// A tensor of the graph, by its name: the same name again is the same tensor. rows 0: a scalar;
// cols 0: a vector.
static char *add_tensor(model *m, const char *name, const float *data, int rows, int cols) {
    for (size_t i = 0; i < m->n_tensors; i++)
        if (!strcmp(m->tensors[i].name, name)) return m->tensors[i].name;
    tensor *t = &m->tensors[m->n_tensors];
    m->tensor_list[m->n_tensors++] = &t->message;
    snprintf(t->name, sizeof t->name, "%s", name);
    udy__onnx__tensor_proto__init(&t->message);
    t->dims[0] = rows;
    t->dims[1] = cols;
    t->message.n_dims = rows ? cols ? 2 : 1 : 0;
    t->message.dims = t->dims;
    t->message.data_type = FLOAT;
    t->message.name = t->name;
    t->message.raw_data.len = sizeof(float) * (size_t)(rows ? rows : 1) * (size_t)(cols ? cols : 1);
    t->message.raw_data.data = (uint8_t *)(uintptr_t)data;
    return t->name;
}

// A node after the last one; what it gives is called name. Nullable: in1, in2
static node *add_node(model *m, const char *op, const char *name, char *in0, char *in1, char *in2) {
    node *n = &m->nodes[m->n_nodes];
    m->node_list[m->n_nodes++] = &n->message;
    snprintf(n->name, sizeof n->name, "%s", name);
    udy__onnx__node_proto__init(&n->message);
    n->in[0] = in0;
    n->in[1] = in1;
    n->in[2] = in2;
    n->out[0] = n->name;
    n->message.n_input = in2 ? 3 : in1 ? 2 : 1;
    n->message.input = n->in;
    n->message.n_output = 1;
    n->message.output = n->out;
    n->message.name = n->name;
    n->message.op_type = text(op);
    m->value = n->name;
    return n;
}

static Udy__Onnx__AttributeProto *add_attribute(node *n, const char *name) {
    udy__onnx__attribute_proto__init(&n->attribute);
    n->attribute.name = text(name);
    n->attributes[0] = &n->attribute;
    n->message.n_attribute = 1;
    n->message.attribute = n->attributes;
    return &n->attribute;
}

//------------------------------------------ The graph ---------------------------------------------

static void add_linear(model *m, int l) {
    const udy_plain_layer *layer = &m->policy->layer[l];
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof name, "net.%d.weight", 2 * l);
    char *weight = add_tensor(m, name, layer->weight, layer->out, layer->in);
    snprintf(name, sizeof name, "net.%d.bias", 2 * l);
    char *bias = add_tensor(m, name, layer->bias, layer->out, 0);
    snprintf(name, sizeof name, "net.%d", 2 * l);
    node *n = add_node(m, "Gemm", name, m->value, weight, bias);
    Udy__Onnx__AttributeProto *transposed = add_attribute(n, "transB");
    transposed->type = UDY__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    transposed->i = 1;
}

static char *operand(model *m, const udy__activation *f, int code, char *z,
                     char *const results[UDY__ONNX_STEPS_MAX]) {
    if (code >= 0) return code == 0 ? z : results[code - 1];
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof name, "%s.%d", f->name, -code - 1);
    return add_tensor(m, name, &f->constant[-code - 1], 0, 0);
}

// Layer l's activation, as nn.Sequential counts it: net.<2l + 1>.
static void add_activation(model *m, int l) {
    const bool last = l == m->policy->n_layers - 1;
    const udy__activation *f = udy__activation_of(last ? m->policy->output : m->policy->activation);
    char *z = m->value, *results[UDY__ONNX_STEPS_MAX] = {0};
    for (int k = 0; f->step[k].op; k++) {
        const udy__onnx_step *step = &f->step[k];
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, f->step[k + 1].op ? "net.%d.%d" : "net.%d", 2 * l + 1, k);
        char *second = step->n_in > 1 ? operand(m, f, step->in[1], z, results) : NULL;
        node *n = add_node(m, step->op, name, operand(m, f, step->in[0], z, results), second, NULL);
        results[k] = n->name;
        if (step->alpha == 0) continue;
        Udy__Onnx__AttributeProto *alpha = add_attribute(n, "alpha");
        alpha->type = UDY__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        alpha->f = step->alpha;
    }
}

static bool all_equal(const float *x, int n) {
    for (int i = 1; i < n; i++)
        if (x[i] != x[0]) return false;
    return true;
}

static void add_ending(model *m) {
    const udy__ending *e = &m->ending;
    const int A = m->policy->act_dim;
    if (e->scale) {
        add_node(m, "Mul", "scaled", m->value, add_tensor(m, "action_half", e->half, A, 0), NULL);
        add_node(m, "Add", "shifted", m->value, add_tensor(m, "action_mid", e->mid, A, 0), NULL);
    }
    if (!e->clip) return;
    // Clip has one bound for all.
    if (all_equal(e->low, A) && all_equal(e->high, A)) {
        char *low = add_tensor(m, "action_low", e->low, 0, 0);
        add_node(m, "Clip", "clipped", m->value, low, add_tensor(m, "action_high", e->high, 0, 0));
        return;
    }
    add_node(m, "Max", "raised", m->value, add_tensor(m, "action_low", e->low, A, 0), NULL);
    add_node(m, "Min", "lowered", m->value, add_tensor(m, "action_high", e->high, A, 0), NULL);
}

// Clip has one bound for all, and observations have their own.
static void add_beginning(model *m) {
    const int O = m->policy->obs_dim;
    if (!m->ends) return;
    for (int i = 0; i < O; i++) {
        m->ends[i] = (float)m->policy->obs_low[i];
        m->ends[O + i] = (float)m->policy->obs_high[i];
    }
    char *low = add_tensor(m, "obs_low", m->ends, O, 0);
    char *high = add_tensor(m, "obs_high", m->ends + O, O, 0);
    add_node(m, "Max", "obs_raised", m->value, low, NULL);
    add_node(m, "Min", "obs_lowered", m->value, high, NULL);
}

static void fill_port(port *p, const char *name, int n) {
    udy__onnx__value_info_proto__init(&p->message);
    udy__onnx__type_proto__init(&p->type);
    udy__onnx__type_proto__tensor__init(&p->matrix);
    udy__onnx__tensor_shape_proto__init(&p->shape);
    for (int i = 0; i < 2; i++) {
        udy__onnx__tensor_shape_proto__dimension__init(&p->dim[i]);
        p->dims[i] = &p->dim[i];
    }
    p->dim[0].value_case = UDY__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    p->dim[0].dim_param = text("batch");
    p->dim[1].value_case = UDY__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    p->dim[1].dim_value = n;
    p->shape.n_dim = 2;
    p->shape.dim = p->dims;
    p->matrix.elem_type = FLOAT;
    p->matrix.shape = &p->shape;
    p->type.value_case = UDY__ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    p->type.tensor_type = &p->matrix;
    p->message.name = text(name);
    p->message.type = &p->type;
    p->list[0] = &p->message;
}

static void fill_graph(model *m) {
    m->value = text("obs");
    fill_port(&m->in, "obs", m->policy->obs_dim);
    fill_port(&m->out, "action", m->policy->act_dim);
    add_beginning(m);
    for (int l = 0; l < m->policy->n_layers; l++) {
        add_linear(m, l);
        add_activation(m, l);
    }
    add_ending(m);
    m->nodes[m->n_nodes - 1].out[0] = text("action");

    udy__onnx__graph_proto__init(&m->graph);
    m->graph.name = text("policy");
    m->graph.n_node = m->n_nodes;
    m->graph.node = m->node_list;
    m->graph.n_initializer = m->n_tensors;
    m->graph.initializer = m->tensor_list;
    m->graph.n_input = m->graph.n_output = 1;
    m->graph.input = m->in.list;
    m->graph.output = m->out.list;
}

//------------------------------------------ The file ----------------------------------------------

static void fill_model(model *m) {
    udy__onnx__operator_set_id_proto__init(&m->opset);
    m->opset.version = OPSET;
    m->opsets[0] = &m->opset;
    udy__onnx__model_proto__init(&m->message);
    m->message.ir_version = IR_VERSION;
    m->message.producer_name = text("understudy");
    m->message.producer_version = text(UDY_VERSION);
    m->message.graph = &m->graph;
    m->message.n_opset_import = 1;
    m->message.opset_import = m->opsets;
}

static int save(const char *path, const Udy__Onnx__ModelProto *message, udy_error *err) {
    const size_t n = udy__onnx__model_proto__get_packed_size(message);
    if (n > MODEL_BYTES_MAX)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: a model of %zu bytes; ONNX holds %zu",
                             path, n, MODEL_BYTES_MAX);
    uint8_t *bytes = udy_alloc(n);
    if (!bytes) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for %zu bytes", path, n);
    udy__onnx__model_proto__pack(message, bytes);
    int code = udy_file_write(path, bytes, n, err);
    udy_free(bytes);
    return code;
}

// The model's metadata_props from the facts, then the file.
static int save_with_facts(const char *path, model *m, const udy__facts *facts, udy_error *err) {
    typedef Udy__Onnx__StringStringEntryProto entry;
    entry *entries = udy_alloc(facts->n * sizeof *entries);
    entry **list = udy_alloc(facts->n * sizeof *list);
    int code = entries && list ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "%s: no memory", path);
    for (size_t i = 0; i < facts->n && !code; i++) {
        udy__onnx__string_string_entry_proto__init(&entries[i]);
        entries[i].key = text(facts->pairs[i].key);
        entries[i].value = text(facts->pairs[i].value);
        list[i] = &entries[i];
    }
    m->message.n_metadata_props = facts->n;
    m->message.metadata_props = list;
    if (!code) code = save(path, &m->message, err);
    udy_free(list);
    udy_free(entries);
    return code;
}

int udy_onnx_write(const char *path, const udy_plain_policy *policy, const udy_text_pair *extra,
                   size_t n_extra, udy_error *err) {
    int code = udy_plain_check(policy, path, err);
    if (code) return code;
    model *m = udy_alloc(sizeof *m);
    float *ends = policy->obs_low ? udy_alloc(2 * (size_t)policy->obs_dim * sizeof *ends) : NULL;
    if (!m || (policy->obs_low && !ends)) {
        udy_free(ends);
        udy_free(m);
        return udy_error_set(err, UDY_ENOMEM, "%s: no memory for a model", path);
    }
    m->policy = policy;
    m->ends = ends;
    udy__ending_of(&m->ending, policy);
    fill_graph(m);
    fill_model(m);
    udy__facts *facts;
    code = udy__facts_of(&facts, policy, false, extra, n_extra, err);
    if (!code) code = save_with_facts(path, m, facts, err);
    udy_free(facts);
    udy_free(ends);
    udy_free(m);
    return code;
}
