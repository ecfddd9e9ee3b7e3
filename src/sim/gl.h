// gl.h: an OpenGL context without a window, for render.c.
#ifndef UNDERSTUDY_SRC_SIM_GL_H_
#define UNDERSTUDY_SRC_SIM_GL_H_

#include "understudy/base.h"

// A context of its own, through EGL, else through OSMesa.
typedef struct udy__gl udy__gl;

// UDY_EUNSUPPORTED, with what was tried and the packages to install, where there is neither.
int udy__gl_open(udy__gl **out, udy_error *err) UDY_MUST_CHECK;
// Make it the calling thread's; what the thread had before is kept for udy__gl_leave. Between the two
// the thread has OpenGL, or at least the context's share of it, to itself: others wait (see gl.c).
int udy__gl_enter(udy__gl *gl, udy_error *err) UDY_MUST_CHECK;
void udy__gl_leave(udy__gl *gl);
void udy__gl_close(udy__gl *gl);  // after leave; NULL is legal
// "EGL" or "OSMesa".
const char *udy__gl_kind(const udy__gl *gl);

#endif  // UNDERSTUDY_SRC_SIM_GL_H_
