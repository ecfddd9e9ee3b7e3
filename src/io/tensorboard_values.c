// What a TensorBoard event file holds beside scalars: histograms, images, text and hyperparameters,
// each a tensor with metadata that says which dashboard it belongs to. Not for training loops: these
// allocate.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/tensorboard_write.h"

typedef Udy__Tb__SummaryMetadata metadata;
typedef Udy__Tb__SummaryMetadata__PluginData plugin_data;
#define CLASS_TENSOR UDY__TB__SUMMARY_METADATA__DATA_CLASS__TENSOR
#define CLASS_BLOBS UDY__TB__SUMMARY_METADATA__DATA_CLASS__BLOB_SEQUENCE

static char *unconst(const char *text) {
    return (char *)(uintptr_t)text;  // the generated structs know no const
}

static ProtobufCBinaryData bytes_of(const void *data, size_t n) {
    return (ProtobufCBinaryData){.len = n, .data = (uint8_t *)(uintptr_t)data};
}

// A tensor of up to two dimensions as a value of a plugin's. content: the plugin's own, often none.
typedef struct tensor_value {
    Udy__Tb__Tensor tensor;
    Udy__Tb__Tensor__Shape shape;
    Udy__Tb__Tensor__Shape__Dim dim[2], *dims[2];
    plugin_data plugin;
    metadata meta;
    Udy__Tb__Summary__Value value;
} tensor_value;

static void tensor_fill(tensor_value *v, const char *tag, const char *plugin,
                        Udy__Tb__SummaryMetadata__DataClass class, Udy__Tb__Tensor__DataType dtype,
                        int ndim, int64_t d0, int64_t d1) {
    const int64_t size[2] = {d0, d1};
    udy__tb__tensor__init(&v->tensor);
    udy__tb__tensor__shape__init(&v->shape);
    udy__tb__summary_metadata__plugin_data__init(&v->plugin);
    udy__tb__summary_metadata__init(&v->meta);
    udy__tb__summary__value__init(&v->value);
    for (int i = 0; i < ndim; i++) {
        udy__tb__tensor__shape__dim__init(&v->dim[i]);
        v->dim[i].size = size[i];
        v->dims[i] = &v->dim[i];
    }
    v->shape.n_dim = (size_t)ndim;
    v->shape.dim = v->dims;
    v->tensor.dtype = dtype;
    v->tensor.shape = &v->shape;
    v->plugin.plugin_name = unconst(plugin);
    v->meta.plugin_data = &v->plugin;
    v->meta.data_class = class;
    v->value.tag = unconst(tag);
    v->value.metadata = &v->meta;
    v->value.value_case = UDY__TB__SUMMARY__VALUE__VALUE_TENSOR;
    v->value.tensor = &v->tensor;
}

//------------------------------------------ Histograms --------------------------------------------

static int check_bins(const udy_tb *tb, const char *tag, const double *edges, const double *counts,
                      int n, udy_error *err) {
    const char *path = udy__tb_path(tb);
    if (n < 1 || n > UDY_TB_BINS_MAX)
        return udy_error_set(err, UDY_EINVAL, "%s: histogram '%s' has %d bins, expected 1 to %d",
                             path, tag, n, UDY_TB_BINS_MAX);
    for (int i = 0; i <= n; i++) {
        if (!isfinite(edges[i]) || (i > 0 && edges[i] < edges[i - 1]))
            return udy_error_set(err, UDY_EINVAL,
                                 "%s: edge %d of histogram '%s' is %g, expected finite numbers "
                                 "that go up",
                                 path, i, tag, edges[i]);
        if (i < n && !(isfinite(counts[i]) && counts[i] >= 0))
            return udy_error_set(err, UDY_EINVAL,
                                 "%s: bin %d of histogram '%s' holds %g, expected a count", path, i,
                                 tag, counts[i]);
    }
    return UDY_OK;
}

static void put_double(uint8_t *out, double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(bits >> 8 * i);
}

int udy_tb_histogram(udy_tb *tb, const char *tag, int64_t step, const double *edges,
                     const double *counts, int n, udy_error *err) {
    int code = udy__tb_check_tag(tb, "a histogram", tag, err);
    if (!code) code = check_bins(tb, tag, edges, counts, n, err);
    if (code) return code;
    // The Distributions tab takes the first edge for the least value, the last for the largest.
    int first = 0;
    while (n > 0 && counts[n - 1] == 0) n--;
    while (first < n && counts[first] == 0) first++;
    size_t rows = (size_t)(n - first);
    uint8_t *data = udy_alloc(rows * 24 + 1);
    if (!data)
        return udy_error_set(err, UDY_ENOMEM, "%s: no memory for histogram '%s'", udy__tb_path(tb),
                             tag);
    for (int i = first; i < n; i++) {
        uint8_t *row = data + (size_t)(i - first) * 24;
        put_double(row, edges[i]);
        put_double(row + 8, edges[i + 1]);
        put_double(row + 16, counts[i]);
    }
    tensor_value v;
    tensor_fill(&v, tag, "histograms", CLASS_TENSOR, UDY__TB__TENSOR__DATA_TYPE__DOUBLE, 2,
                (int64_t)rows, 3);
    v.tensor.content = bytes_of(data, rows * 24);
    code = udy__tb_write_value(tb, &v.value, step, err);
    udy_free(data);
    return code;
}

//------------------------------------------ Images and text ---------------------------------------

static const uint8_t png_start[16] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                      0,    0,   0,   13,  'I',  'H',  'D',  'R'};

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int udy_tb_image(udy_tb *tb, const char *tag, int64_t step, const void *png, size_t n_bytes,
                 udy_error *err) {
    int code = udy__tb_check_tag(tb, "an image", tag, err);
    if (code) return code;
    const uint8_t *p = png;
    bool is_png = p && n_bytes >= 33 && !memcmp(p, png_start, sizeof png_start);
    uint32_t width = is_png ? big_endian(p + 16) : 0, height = is_png ? big_endian(p + 20) : 0;
    if (!width || !height || width > INT32_MAX || height > INT32_MAX || n_bytes > INT32_MAX)
        return udy_error_set(err, UDY_EINVAL, "%s: image '%s' is not a PNG", udy__tb_path(tb), tag);
    char size[2][16];
    snprintf(size[0], sizeof size[0], "%u", width);
    snprintf(size[1], sizeof size[1], "%u", height);
    ProtobufCBinaryData parts[3] = {bytes_of(size[0], strlen(size[0])),
                                    bytes_of(size[1], strlen(size[1])), bytes_of(png, n_bytes)};
    tensor_value v;
    tensor_fill(&v, tag, "images", CLASS_BLOBS, UDY__TB__TENSOR__DATA_TYPE__STRING, 1, 3, 0);
    v.tensor.n_string_val = 3;
    v.tensor.string_val = parts;
    return udy__tb_write_value(tb, &v.value, step, err);
}

int udy_tb_text(udy_tb *tb, const char *tag, int64_t step, const char *markdown, udy_error *err) {
    int code = udy__tb_check_tag(tb, "a text", tag, err);
    if (code) return code;
    if (!markdown || !udy__utf8_valid(markdown))
        return udy_error_set(err, UDY_EINVAL, "%s: text '%s' is not UTF-8", udy__tb_path(tb), tag);
    ProtobufCBinaryData text = bytes_of(markdown, strlen(markdown));
    tensor_value v;
    tensor_fill(&v, tag, "text", CLASS_TENSOR, UDY__TB__TENSOR__DATA_TYPE__STRING, 0, 0, 0);
    v.tensor.n_string_val = 1;
    v.tensor.string_val = &text;
    return udy__tb_write_value(tb, &v.value, step, err);
}

//------------------------------------------ Hyperparameters ---------------------------------------

// The plugin reads metadata alone: the tensor beside it is empty.
static int write_hparams(udy_tb *tb, const char *tag, const Udy__Tb__HParams *message,
                         udy_error *err) {
    size_t n = udy__tb__hparams__get_packed_size(message);
    uint8_t *data = udy_alloc(n + 1);
    if (!data)
        return udy_error_set(err, UDY_ENOMEM, "%s: no memory for hyperparameters",
                             udy__tb_path(tb));
    udy__tb__hparams__pack(message, data);
    tensor_value v;
    tensor_fill(&v, tag, "hparams", CLASS_TENSOR, UDY__TB__TENSOR__DATA_TYPE__FLOAT, 1, 0, 0);
    v.plugin.content = bytes_of(data, n);
    int code = udy__tb_write_value(tb, &v.value, 0, err);
    udy_free(data);
    return code;
}

// JSON, by which the dashboard gets its values, has no NaN and no infinity: those go as text.
static void value_fill(Udy__Tb__HParams__Value *value, const udy_tb_hparam *from, char text[32]) {
    udy__tb__hparams__value__init(value);
    const char *words = from->type == UDY_TB_TEXT ? from->text : NULL;
    if (from->type == UDY_TB_NUMBER && !isfinite(from->number)) {
        snprintf(text, 32, "%g", from->number);
        words = text;
    }
    if (words) {
        value->kind_case = UDY__TB__HPARAMS__VALUE__KIND_STRING_VALUE;
        value->string_value = unconst(words);
    } else if (from->type == UDY_TB_BOOL) {
        value->kind_case = UDY__TB__HPARAMS__VALUE__KIND_BOOL_VALUE;
        value->bool_value = from->number != 0;
    } else {
        value->kind_case = UDY__TB__HPARAMS__VALUE__KIND_NUMBER_VALUE;
        value->number_value = from->number;
    }
}

static int check_hparams(const udy_tb *tb, const udy_tb_hparam *hparams, size_t n, udy_error *err) {
    if (!tb) return udy_error_set(err, UDY_EINVAL, "no event file is open to write settings to");
    for (size_t i = 0; i < n; i++) {
        const udy_tb_hparam *h = &hparams[i];
        bool text = h->type != UDY_TB_TEXT || (h->text && udy__utf8_valid(h->text));
        if (!text || !h->name || !h->name[0] || !udy__utf8_valid(h->name))
            return udy_error_set(err, UDY_EINVAL,
                                 "%s: hyperparameter %zu has no name, or is not UTF-8",
                                 udy__tb_path(tb), i + 1);
    }
    return UDY_OK;
}

int udy_tb_hparams(udy_tb *tb, const udy_tb_hparam *hparams, size_t n, double start_s,
                   udy_error *err) {
    int code = check_hparams(tb, hparams, n, err);
    if (code) return code;
    struct entry {
        Udy__Tb__HParams__Entry entry;
        Udy__Tb__HParams__Value value;
        char text[32];
    } *room = udy_alloc((n + 1) * sizeof *room);
    Udy__Tb__HParams__Entry **list = udy_alloc((n + 1) * sizeof *list);
    if (room && list) {
        for (size_t i = 0; i < n; i++) {
            udy__tb__hparams__entry__init(&room[i].entry);
            value_fill(&room[i].value, &hparams[i], room[i].text);
            room[i].entry.key = unconst(hparams[i].name);
            room[i].entry.value = &room[i].value;
            list[i] = &room[i].entry;
        }
        Udy__Tb__HParams__SessionStart start = UDY__TB__HPARAMS__SESSION_START__INIT;
        start.n_hparams = n;
        start.hparams = list;
        start.start_time_secs = start_s;
        Udy__Tb__HParams message = UDY__TB__HPARAMS__INIT;
        message.data_case = UDY__TB__HPARAMS__DATA_SESSION_START_INFO;
        message.session_start_info = &start;
        code = write_hparams(tb, "_hparams_/session_start_info", &message, err);
    } else {
        code =
            udy_error_set(err, UDY_ENOMEM, "%s: no memory for hyperparameters", udy__tb_path(tb));
    }
    udy_free(room);
    udy_free(list);
    return code;
}

int udy_tb_session_end(udy_tb *tb, bool success, double end_s, udy_error *err) {
    int code = check_hparams(tb, NULL, 0, err);
    if (code) return code;
    Udy__Tb__HParams__SessionEnd end = UDY__TB__HPARAMS__SESSION_END__INIT;
    end.status = success ? UDY__TB__HPARAMS__STATUS__STATUS_SUCCESS
                         : UDY__TB__HPARAMS__STATUS__STATUS_FAILURE;
    end.end_time_secs = end_s;
    Udy__Tb__HParams message = UDY__TB__HPARAMS__INIT;
    message.data_case = UDY__TB__HPARAMS__DATA_SESSION_END_INFO;
    message.session_end_info = &end;
    return write_hparams(tb, "_hparams_/session_end_info", &message, err);
}
