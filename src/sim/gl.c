// gl.c: an OpenGL context without a window or a display server: EGL (Mesa's surfaceless platform,
// which draws in software where there is no GPU, or a device), else OSMesa. Both are found when they
// are first asked for, so that everything but rendering runs where they are absent. MuJoCo finds the
// OpenGL functions by itself in the library that is loaded here.
#include "sim/gl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

//------------------------------------------ Declarations ------------------------------------------

// Of EGL 1.5, its extensions and OSMesa 8: their headers would be needed for no more than this.
typedef void *egl_handle;
typedef unsigned int egl_bool;
enum {
    EGL_SURFACE_TYPE_ = 0x3033,
    EGL_PBUFFER_BIT_ = 0x0001,
    EGL_RENDERABLE_TYPE_ = 0x3040,
    EGL_OPENGL_BIT_ = 0x0008,
    EGL_RED_SIZE_ = 0x3024,
    EGL_GREEN_SIZE_ = 0x3023,
    EGL_BLUE_SIZE_ = 0x3022,
    EGL_NONE_ = 0x3038,
    EGL_OPENGL_API_ = 0x30A2,
    EGL_DRAW_ = 0x3059,
    EGL_READ_ = 0x305A,
    EGL_PLATFORM_SURFACELESS_MESA_ = 0x31DD,
    EGL_PLATFORM_DEVICE_EXT_ = 0x313F,
    OSMESA_RGBA_ = 0x1908,  // GL_RGBA
    GL_UNSIGNED_BYTE_ = 0x1401,
};

typedef struct egl_calls {
    void *(*get_proc)(const char *);
    egl_handle (*get_platform_display)(unsigned int, void *, const int *);
    egl_bool (*query_devices)(int, egl_handle *, int *);  // Nullable
    egl_bool (*initialize)(egl_handle, int *, int *);
    egl_bool (*choose_config)(egl_handle, const int *, egl_handle *, int, int *);
    egl_bool (*bind_api)(unsigned int);
    unsigned int (*query_api)(void);
    egl_handle (*create_context)(egl_handle, egl_handle, egl_handle, const int *);
    egl_bool (*destroy_context)(egl_handle, egl_handle);
    egl_bool (*make_current)(egl_handle, egl_handle, egl_handle, egl_handle);
    egl_handle (*get_current_context)(void);
    egl_handle (*get_current_display)(void);
    egl_handle (*get_current_surface)(int);
} egl_calls;

typedef struct osmesa_calls {
    egl_handle (*create)(unsigned int format, int depth, int stencil, int accum, egl_handle share);
    void (*destroy)(egl_handle);
    unsigned char (*make_current)(egl_handle, void *, unsigned int type, int width, int height);
    egl_handle (*get_current)(void);
} osmesa_calls;

struct udy__gl {
    void *library;
    egl_calls egl;
    osmesa_calls osmesa;
    egl_handle context;
    egl_handle display;  // EGL's; NULL: OSMesa
    // What the thread had when it entered.
    egl_handle before_display, before_context, before_draw, before_read;
    unsigned int before_api;
    unsigned char pixels[4 * 16 * 16];  // OSMesa wants a window of some size; nothing is drawn there
};

// dlsym gives a void pointer to what is a function.
static bool find(void *library, const char *name, void *out) {
    void *symbol = dlsym(library, name);
    memcpy(out, &symbol, sizeof symbol);
    return symbol != NULL;
}

static void *load(const char *const *names, char *why, size_t why_size) {
    for (int i = 0; names[i]; i++) {
        // MuJoCo asks the loader for OpenGL's functions: the library stays for the process's life.
        void *library = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
        if (library) return library;
        if (i == 0) {
            const char *words = dlerror();
            snprintf(why, why_size, "%.200s", words ? words : names[i]);
        }
    }
    return NULL;
}

//------------------------------------------ EGL ---------------------------------------------------

static bool egl_resolve(udy__gl *gl) {
    egl_calls *c = &gl->egl;
    void *lib = gl->library;
    if (!find(lib, "eglGetProcAddress", &c->get_proc) || !find(lib, "eglInitialize", &c->initialize))
        return false;
    // In EGL 1.4 these two are an extension's.
    void *display = c->get_proc("eglGetPlatformDisplayEXT");
    void *devices = c->get_proc("eglQueryDevicesEXT");
    memcpy(&c->get_platform_display, &display, sizeof display);
    memcpy(&c->query_devices, &devices, sizeof devices);
    return display && find(lib, "eglChooseConfig", &c->choose_config) &&
           find(lib, "eglBindAPI", &c->bind_api) && find(lib, "eglQueryAPI", &c->query_api) &&
           find(lib, "eglCreateContext", &c->create_context) &&
           find(lib, "eglDestroyContext", &c->destroy_context) &&
           find(lib, "eglMakeCurrent", &c->make_current) &&
           find(lib, "eglGetCurrentContext", &c->get_current_context) &&
           find(lib, "eglGetCurrentDisplay", &c->get_current_display) &&
           find(lib, "eglGetCurrentSurface", &c->get_current_surface);
}

// A context on display; NULL where it has none. A display is shared by the process and is left as it
// is: others may be drawing on it.
static bool egl_context(udy__gl *gl, egl_handle display) {
    static const int wanted[] = {EGL_SURFACE_TYPE_,
                                 EGL_PBUFFER_BIT_,
                                 EGL_RENDERABLE_TYPE_,
                                 EGL_OPENGL_BIT_,
                                 EGL_RED_SIZE_,
                                 8,
                                 EGL_GREEN_SIZE_,
                                 8,
                                 EGL_BLUE_SIZE_,
                                 8,
                                 EGL_NONE_};
    const egl_calls *c = &gl->egl;
    egl_handle config = NULL;
    int n = 0;
    if (!display || !c->initialize(display, NULL, NULL)) return false;
    if (!c->choose_config(display, wanted, &config, 1, &n) || n < 1) return false;
    unsigned int before = c->query_api();
    if (!c->bind_api(EGL_OPENGL_API_)) return false;
    gl->context = c->create_context(display, config, NULL, NULL);
    c->bind_api(before);
    gl->display = display;
    if (!gl->context) return false;
    // Some make contexts that cannot be used without a surface.
    if (udy__gl_enter(gl, NULL) == UDY_OK) {
        udy__gl_leave(gl);
        return true;
    }
    c->destroy_context(display, gl->context);
    gl->context = NULL;
    return false;
}

static bool egl_open(udy__gl *gl, char *why, size_t why_size) {
    static const char *const names[] = {"libEGL.so.1", "libEGL.so", NULL};
    enum { DEVICES = 16 };
    gl->library = load(names, why, why_size);
    if (!gl->library) return false;
    snprintf(why, why_size, "EGL is there, but neither Mesa's software driver nor a GPU's works");
    if (egl_resolve(gl)) {
        if (egl_context(gl, gl->egl.get_platform_display(EGL_PLATFORM_SURFACELESS_MESA_, NULL, NULL)))
            return true;
        egl_handle devices[DEVICES];
        int n = 0;
        if (!gl->egl.query_devices || !gl->egl.query_devices(DEVICES, devices, &n)) n = 0;
        for (int i = 0; i < n; i++)
            if (egl_context(gl, gl->egl.get_platform_display(EGL_PLATFORM_DEVICE_EXT_, devices[i],
                                                             NULL)))
                return true;
    }
    // MuJoCo would take OpenGL's functions from it, and OSMesa's contexts need OSMesa's.
    dlclose(gl->library);
    gl->library = gl->display = NULL;
    return false;
}

//------------------------------------------ OSMesa ------------------------------------------------

static bool osmesa_open(udy__gl *gl, char *why, size_t why_size) {
    static const char *const names[] = {"libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so", NULL};
    osmesa_calls *c = &gl->osmesa;
    gl->library = load(names, why, why_size);
    if (!gl->library) return false;
    if (find(gl->library, "OSMesaCreateContextExt", &c->create) &&
        find(gl->library, "OSMesaDestroyContext", &c->destroy) &&
        find(gl->library, "OSMesaMakeCurrent", &c->make_current) &&
        find(gl->library, "OSMesaGetCurrentContext", &c->get_current))
        gl->context = c->create(OSMESA_RGBA_, 24, 8, 0, NULL);
    if (gl->context) return true;
    snprintf(why, why_size, "OSMesa is there, but makes no context");
    dlclose(gl->library);
    gl->library = NULL;
    return false;
}

//------------------------------------------ Either ------------------------------------------------

int udy__gl_open(udy__gl **out, udy_error *err) {
    *out = NULL;
    udy__gl *gl = udy_alloc(sizeof *gl);
    if (!gl) return udy_error_set(err, UDY_ENOMEM, "no memory for an OpenGL context");
    char egl[224] = "", osmesa[224] = "";
    if (egl_open(gl, egl, sizeof egl) || osmesa_open(gl, osmesa, sizeof osmesa)) {
        *out = gl;
        return UDY_OK;
    }
    udy_free(gl);
    return udy_error_set(err, UDY_EUNSUPPORTED,
                         "nothing to draw with: OpenGL was found neither through EGL (%s) nor "
                         "through OSMesa (%s); install Debian's packages libegl1 and "
                         "libgl1-mesa-dri (apt-get install libegl1 libgl1-mesa-dri)",
                         egl, osmesa);
}

int udy__gl_enter(udy__gl *gl, udy_error *err) {
    bool ok;
    if (gl->display) {
        const egl_calls *c = &gl->egl;
        gl->before_api = c->query_api();
        c->bind_api(EGL_OPENGL_API_);
        gl->before_display = c->get_current_display();
        gl->before_context = c->get_current_context();
        gl->before_draw = c->get_current_surface(EGL_DRAW_);
        gl->before_read = c->get_current_surface(EGL_READ_);
        ok = c->make_current(gl->display, NULL, NULL, gl->context);
        if (!ok) c->bind_api(gl->before_api);
    } else {
        gl->before_context = gl->osmesa.get_current();
        ok = gl->osmesa.make_current(gl->context, gl->pixels, GL_UNSIGNED_BYTE_, 16, 16);
    }
    if (ok) return UDY_OK;
    return udy_error_set(err, UDY_EUNSUPPORTED,
                         "the OpenGL context (%s) cannot be used on this thread; is it in use on "
                         "another?",
                         udy__gl_kind(gl));
}

void udy__gl_leave(udy__gl *gl) {
    if (gl->display) {
        const egl_calls *c = &gl->egl;
        bool had = gl->before_display && gl->before_context;
        c->make_current(had ? gl->before_display : gl->display, had ? gl->before_draw : NULL,
                        had ? gl->before_read : NULL, had ? gl->before_context : NULL);
        c->bind_api(gl->before_api);
    } else {
        // OSMesa cannot say which buffer another context had: it is left with none.
        gl->osmesa.make_current(NULL, NULL, GL_UNSIGNED_BYTE_, 0, 0);
    }
}

void udy__gl_close(udy__gl *gl) {
    if (!gl) return;
    // The library stays: MuJoCo keeps its functions for the life of the process.
    if (gl->display)
        gl->egl.destroy_context(gl->display, gl->context);
    else
        gl->osmesa.destroy(gl->context);
    udy_free(gl);
}

const char *udy__gl_kind(const udy__gl *gl) {
    return gl->display ? "EGL" : "OSMesa";
}
