// test_video_decode.h: a video file back into pictures, by FFmpeg's libraries.
#ifndef UNDERSTUDY_TESTS_UNIT_TEST_VIDEO_DECODE_H_
#define UNDERSTUDY_TESTS_UNIT_TEST_VIDEO_DECODE_H_

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>

typedef struct decoded {
    int width, height, n;
    double duration_s;
    int64_t pts_step;  // 0: steps differ
    AVRational time_base;
    uint8_t *rgb;  // [n, height, width, 3]
} decoded;

static inline void take_frame(decoded *d, const AVFrame *frame, int64_t *last) {
    struct SwsContext *scale = sws_getContext(
        frame->width, frame->height, (enum AVPixelFormat)frame->format, frame->width, frame->height,
        AV_PIX_FMT_RGB24, SWS_BILINEAR | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    assert_non_null(scale);
    sws_setColorspaceDetails(scale, sws_getCoefficients(SWS_CS_ITU709), 0,
                             sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
    size_t bytes = (size_t)frame->width * (size_t)frame->height * 3;
    d->width = frame->width;
    d->height = frame->height;
    d->rgb = realloc(d->rgb, bytes * (size_t)(d->n + 1));
    assert_non_null(d->rgb);
    uint8_t *const planes[4] = {d->rgb + bytes * (size_t)d->n};
    const int strides[4] = {3 * frame->width};
    sws_scale(scale, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, planes,
              strides);
    sws_freeContext(scale);
    assert_int_equal(frame->colorspace, AVCOL_SPC_BT709);
    if (d->n == 0) assert_int_equal(frame->pts, 0);
    if (d->n == 1) d->pts_step = frame->pts - *last;
    if (d->n > 1 && frame->pts - *last != d->pts_step) d->pts_step = 0;
    *last = frame->pts;
    d->n++;
}

static inline decoded decode(const char *path) {
    decoded d = {0};
    AVFormatContext *format = NULL;
    int64_t last = 0;
    assert_int_equal(avformat_open_input(&format, path, NULL, NULL), 0);
    assert_true(avformat_find_stream_info(format, NULL) >= 0);
    assert_int_equal(format->nb_streams, 1);
    const AVStream *stream = format->streams[0];
    assert_int_equal(stream->codecpar->codec_id, AV_CODEC_ID_H264);
    assert_int_equal(stream->codecpar->format, AV_PIX_FMT_YUV420P);
    const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    assert_true(avcodec_parameters_to_context(context, stream->codecpar) >= 0);
    assert_int_equal(avcodec_open2(context, codec, NULL), 0);
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    for (bool more = true; more;) {
        more = av_read_frame(format, packet) >= 0;
        assert_int_equal(avcodec_send_packet(context, more ? packet : NULL), 0);
        while (avcodec_receive_frame(context, frame) == 0) take_frame(&d, frame, &last);
        av_packet_unref(packet);
    }
    d.duration_s = (double)stream->duration * av_q2d(stream->time_base);
    d.time_base = stream->time_base;
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    avformat_close_input(&format);
    return d;
}

static inline const uint8_t *pixel(const decoded *d, int frame, int x, int y) {
    return d->rgb +
           (((size_t)frame * (size_t)d->height + (size_t)y) * (size_t)d->width + (size_t)x) * 3;
}

#endif  // UNDERSTUDY_TESTS_UNIT_TEST_VIDEO_DECODE_H_
