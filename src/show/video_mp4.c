// The only file that knows FFmpeg's libraries: pictures become H.264 in an MP4 (yuv420p, BT.709, the
// index at the front, so that a browser plays it as it loads). The file grows in memory and goes to
// disk by udy_file_write: whole or not at all. One thread encodes, so that the bytes do not depend
// on the number of cores; the others draw meanwhile.
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/video.h"

#define IO_BYTES 65536
#define QUIET 100  // added to the level of what a codec says, below 256: nothing of it is printed

struct udy__mp4 {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *scale;
    AVIOContext *io;
    int64_t n_frames;
    // The file so far.
    uint8_t *data;
    size_t size, capacity, at;
    bool out_of_memory;
};

// FFmpeg's words for one of its errors.
static int failed(udy_error *err, int av, const char *what) {
    char words[AV_ERROR_MAX_STRING_SIZE] = "";
    if (av == AVERROR(ENOMEM))
        return udy_error_set(err, UDY_ENOMEM, "no memory to encode a video (%s)", what);
    av_strerror(av, words, sizeof words);
    return udy_error_set(err, UDY_EIO, "the video cannot be encoded: %s: %s", what, words);
}

//------------------------------------------ The file in memory ------------------------------------

static int grow(udy__mp4 *v, size_t size) {
    if (size <= v->capacity) return 0;
    size_t capacity = v->capacity ? v->capacity : 1 << 20;
    while (capacity < size) capacity *= 2;
    uint8_t *data = udy_alloc(capacity);
    if (!data) {
        v->out_of_memory = true;
        return AVERROR(ENOMEM);
    }
    if (v->size) memcpy(data, v->data, v->size);
    udy_free(v->data);
    v->data = data;
    v->capacity = capacity;
    return 0;
}

static int io_write(void *ctx, uint8_t *bytes, int n) {
    udy__mp4 *v = ctx;
    int av = grow(v, v->at + (size_t)n);
    if (av < 0) return av;
    memcpy(v->data + v->at, bytes, (size_t)n);
    v->at += (size_t)n;
    if (v->at > v->size) v->size = v->at;
    return n;
}

static int64_t io_seek(void *ctx, int64_t offset, int whence) {
    udy__mp4 *v = ctx;
    if (whence == AVSEEK_SIZE) return (int64_t)v->size;
    if (whence == SEEK_CUR) offset += (int64_t)v->at;
    if (whence == SEEK_END) offset += (int64_t)v->size;
    // Past the end is fine: room is left for the index, and memory that grows is zero.
    if (offset < 0 || offset > (int64_t)1 << 40) return AVERROR(EINVAL);
    v->at = (size_t)offset;
    return offset;
}

//------------------------------------------ Opening -----------------------------------------------

static int open_codec(udy__mp4 *v, int width, int height, AVRational rate, int crf,
                      udy_error *err) {
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    bool is_x264 = codec != NULL;
    if (!codec) codec = avcodec_find_encoder_by_name("libopenh264");
    if (!codec)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "FFmpeg's libraries are here without an encoder for H.264 (libx264 or "
                             "libopenh264); Debian's package libavcodec59 has one");
    v->codec = avcodec_alloc_context3(codec);
    if (!v->codec) return failed(err, AVERROR(ENOMEM), codec->name);
    AVCodecContext *c = v->codec;
    c->log_level_offset = QUIET;
    c->width = width;
    c->height = height;
    c->time_base = av_inv_q(rate);
    c->framerate = rate;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->color_range = AVCOL_RANGE_MPEG;
    c->colorspace = AVCOL_SPC_BT709;
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = AVCOL_TRC_BT709;
    c->gop_size = (int)fmax(1, 2 * av_q2d(rate));  // a player can jump to every two seconds
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (is_x264) {
        av_opt_set_int(c->priv_data, "crf", crf, 0);
        av_opt_set(c->priv_data, "preset", "medium", 0);
        // x264 164's macroblock tree reads memory that nobody set, where there is AVX-512: the same
        // pictures gave one of several files. Without it they are an eighth larger.
        av_opt_set_int(c->priv_data, "mbtree", 0, 0);
    } else {
        c->bit_rate = (int64_t)(0.15 * width * height * av_q2d(rate));
    }
    int av = avcodec_open2(c, codec, NULL);
    return av < 0 ? failed(err, av, codec->name) : UDY_OK;
}

static int open_format(udy__mp4 *v, int64_t n_frames, udy_error *err) {
    int av = avformat_alloc_output_context2(&v->format, NULL, "mp4", NULL);
    if (av < 0) return failed(err, av, "MP4");
    uint8_t *buffer = av_malloc(IO_BYTES);
    v->io = buffer ? avio_alloc_context(buffer, IO_BYTES, 1, v, NULL, io_write, io_seek) : NULL;
    if (!v->io) {
        av_free(buffer);
        return failed(err, AVERROR(ENOMEM), "MP4");
    }
    v->format->pb = v->io;
    v->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    v->stream = avformat_new_stream(v->format, NULL);
    if (!v->stream) return failed(err, AVERROR(ENOMEM), "MP4");
    v->stream->time_base = v->codec->time_base;
    v->stream->avg_frame_rate = v->codec->framerate;
    av = avcodec_parameters_from_context(v->stream->codecpar, v->codec);
    // Room for the index at the front: some 20 bytes a frame, and what names the stream.
    AVDictionary *options = NULL;
    if (av >= 0) av = av_dict_set_int(&options, "moov_size", 8192 + 40 * n_frames, 0);
    if (av >= 0) av = avformat_write_header(v->format, &options);
    av_dict_free(&options);
    return av < 0 ? failed(err, av, "MP4") : UDY_OK;
}

static int open_frame(udy__mp4 *v, udy_error *err) {
    const AVCodecContext *c = v->codec;
    v->frame = av_frame_alloc();
    v->packet = av_packet_alloc();
    v->scale = sws_getContext(
        c->width, c->height, AV_PIX_FMT_RGB24, c->width, c->height, AV_PIX_FMT_YUV420P,
        SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_BITEXACT, NULL, NULL, NULL);
    if (!v->frame || !v->packet || !v->scale) return failed(err, AVERROR(ENOMEM), "pictures");
    sws_setColorspaceDetails(v->scale, sws_getCoefficients(SWS_CS_DEFAULT), 1,
                             sws_getCoefficients(SWS_CS_ITU709), 0, 0, 1 << 16, 1 << 16);
    v->frame->format = AV_PIX_FMT_YUV420P;
    v->frame->width = c->width;
    v->frame->height = c->height;
    v->frame->color_range = c->color_range;
    v->frame->colorspace = c->colorspace;
    int av = av_frame_get_buffer(v->frame, 0);
    return av < 0 ? failed(err, av, "pictures") : UDY_OK;
}

int udy__mp4_open(udy__mp4 **out, int width, int height, double fps, int crf, int64_t n_frames,
                  udy_error *err) {
    *out = NULL;
    if (width < 2 || height < 2 || width % 2 || height % 2)
        return udy_error_set(err, UDY_EINVAL,
                             "a video of %dx%d pixels; expected even numbers: H.264 keeps colours "
                             "for two by two pixels",
                             width, height);
    if (!(fps >= 0.1 && fps <= 1000))
        return udy_error_set(err, UDY_EINVAL, "%g frames a second; expected 0.1 to 1000", fps);
    udy__mp4 *v = udy_alloc(sizeof *v);
    if (!v) return udy_error_set(err, UDY_ENOMEM, "no memory for a video");
    int status = open_codec(v, width, height, av_d2q(fps, 100000), crf, err);
    if (status == UDY_OK) status = open_format(v, n_frames, err);
    if (status == UDY_OK) status = open_frame(v, err);
    if (status != UDY_OK) {
        udy__mp4_close(v);
        return status;
    }
    *out = v;
    return UDY_OK;
}

//------------------------------------------ Encoding ----------------------------------------------

// Hand what the encoder has ready to the file. frame NULL: the last of it.
static int encode(udy__mp4 *v, const AVFrame *frame, udy_error *err) {
    int av = avcodec_send_frame(v->codec, frame);
    while (av >= 0) {
        av = avcodec_receive_packet(v->codec, v->packet);
        if (av == AVERROR(EAGAIN) || av == AVERROR_EOF) return UDY_OK;
        if (av < 0) break;
        v->packet->duration = 1;
        av_packet_rescale_ts(v->packet, v->codec->time_base, v->stream->time_base);
        v->packet->stream_index = v->stream->index;
        av = av_interleaved_write_frame(v->format, v->packet);
    }
    return failed(err, v->out_of_memory ? AVERROR(ENOMEM) : av, "H.264");
}

int udy__mp4_frame(udy__mp4 *v, const uint8_t *rgb, udy_error *err) {
    int av = av_frame_make_writable(v->frame);
    if (av < 0) return failed(err, av, "pictures");
    const uint8_t *const planes[4] = {rgb};
    const int strides[4] = {3 * v->codec->width};
    sws_scale(v->scale, planes, strides, 0, v->codec->height, v->frame->data, v->frame->linesize);
    v->frame->pts = v->n_frames++;
    return encode(v, v->frame, err);
}

int udy__mp4_write(udy__mp4 *v, const char *path, int64_t *n_bytes, udy_error *err) {
    int status = encode(v, NULL, err);
    if (status != UDY_OK) return status;
    int av = av_write_trailer(v->format);
    if (av >= 0) {
        avio_flush(v->io);
        av = v->io->error;
    }
    if (av < 0 || v->out_of_memory)
        return failed(err, v->out_of_memory ? AVERROR(ENOMEM) : av, "the end of the file");
    if (n_bytes) *n_bytes = (int64_t)v->size;
    return udy_file_write(path, v->data, v->size, err);
}

void udy__mp4_close(udy__mp4 *v) {
    if (!v) return;
    sws_freeContext(v->scale);
    av_packet_free(&v->packet);
    av_frame_free(&v->frame);
    avcodec_free_context(&v->codec);
    if (v->io) av_freep(&v->io->buffer);
    avio_context_free(&v->io);
    avformat_free_context(v->format);
    udy_free(v->data);
    udy_free(v);
}
