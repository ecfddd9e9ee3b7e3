// gl.c: an OpenGL context without a window or a display server: EGL (Mesa's surfaceless platform,
// which draws in software where there is no GPU, or a device), else OSMesa. Both are found when they
// are first asked for, so that everything but rendering runs where they are absent. MuJoCo finds the
// OpenGL functions by itself in the library that is loaded here.
//
// Contexts live in lanes, and in a lane one thread at a time uses OpenGL. Mesa's software driver (22.3,
// Debian 12's, for one) looks through the unfinished scenes of all contexts of a display, with no lock
// of its own, whenever pixels are read back or textures handed over: two threads that draw on one
// display crash every now and then. A lane is a display of its own, of which that driver has two; its
// rasteriser spreads over the cores by itself.
#include "sim/gl.h"

#include <dlfcn.h>
#include <pthread.h>
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
    EGL_EXTENSIONS_ = 0x3055,
    GL_RENDERER_ = 0x1F01,
    OSMESA_RGBA_ = 0x1908,  // GL_RGBA
    GL_UNSIGNED_BYTE_ = 0x1401,
};

typedef struct egl_calls {
    void *(*get_proc)(const char *);
    egl_handle (*get_platform_display)(unsigned int, void *, const int *);
    egl_bool (*query_devices)(int, egl_handle *, int *);       // Nullable
    const char *(*query_device_string)(egl_handle, int name);  // Nullable
    const unsigned char *(*get_string)(unsigned int);          // OpenGL's; Nullable
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
} osmesa_calls;

enum { LANES = 2, DEVICES = 16 };

typedef struct lane {
    pthread_mutex_t mutex;  // whose thread uses OpenGL
    egl_handle display;     // EGL's; NULL: OSMesa
    char driver[96];        // OpenGL's name for it
    int n;                  // contexts
} lane;

// What this process draws with. Found once: MuJoCo looks OpenGL's functions up once in a process, in
// what the first context came from, and later contexts must come from there, too.
static struct {
    pthread_mutex_t mutex;  // of all this
    void *library;
    egl_calls egl;
    osmesa_calls osmesa;
    int n_lanes;  // 0: nothing was found yet
    lane lanes[LANES];
} driver = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct udy__gl {
    lane *lane;
    egl_handle context;
    // What the thread had when it entered.
    egl_handle before_display, before_context, before_draw, before_read;
    unsigned int before_api;
    unsigned char
        pixels[4 * 16 * 16];  // OSMesa wants a window of some size; nothing is drawn there
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

static bool egl_resolve(void) {
    egl_calls *c = &driver.egl;
    void *lib = driver.library;
    if (!find(lib, "eglGetProcAddress", &c->get_proc) ||
        !find(lib, "eglInitialize", &c->initialize))
        return false;
    // In EGL 1.4 the first two are an extension's.
    void *display = c->get_proc("eglGetPlatformDisplayEXT");
    void *devices = c->get_proc("eglQueryDevicesEXT");
    void *device_string = c->get_proc("eglQueryDeviceStringEXT");
    void *string = c->get_proc("glGetString");
    memcpy(&c->get_platform_display, &display, sizeof display);
    memcpy(&c->query_devices, &devices, sizeof devices);
    memcpy(&c->query_device_string, &device_string, sizeof device_string);
    memcpy(&c->get_string, &string, sizeof string);
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
static egl_handle egl_context(egl_handle display) {
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
    const egl_calls *c = &driver.egl;
    egl_handle config = NULL;
    int n = 0;
    if (!display || !c->initialize(display, NULL, NULL)) return NULL;
    if (!c->choose_config(display, wanted, &config, 1, &n) || n < 1) return NULL;
    unsigned int before = c->query_api();
    if (!c->bind_api(EGL_OPENGL_API_)) return NULL;
    egl_handle context = c->create_context(display, config, NULL, NULL);
    c->bind_api(before);
    return context;
}

static bool egl_make_current(udy__gl *gl) {
    const egl_calls *c = &driver.egl;
    gl->before_api = c->query_api();
    c->bind_api(EGL_OPENGL_API_);
    gl->before_display = c->get_current_display();
    gl->before_context = c->get_current_context();
    gl->before_draw = c->get_current_surface(EGL_DRAW_);
    gl->before_read = c->get_current_surface(EGL_READ_);
    if (c->make_current(gl->lane->display, NULL, NULL, gl->context)) return true;
    c->bind_api(gl->before_api);
    return false;
}

static void egl_give_back(const udy__gl *gl) {
    const egl_calls *c = &driver.egl;
    bool had = gl->before_display && gl->before_context;
    c->make_current(had ? gl->before_display : gl->lane->display, had ? gl->before_draw : NULL,
                    had ? gl->before_read : NULL, had ? gl->before_context : NULL);
    c->bind_api(gl->before_api);
}

// Add display as a lane if one can draw on it, and if, beside others, it draws with the same driver.
static void egl_try(egl_handle display) {
    lane *to = &driver.lanes[driver.n_lanes];
    to->display = display;
    to->driver[0] = '\0';
    udy__gl trial = {.lane = to, .context = egl_context(display)};
    if (!trial.context) return;
    // Some make contexts that cannot be used without a surface.
    bool ok = egl_make_current(&trial);
    if (ok) {
        const unsigned char *name =
            driver.egl.get_string ? driver.egl.get_string(GL_RENDERER_) : NULL;
        snprintf(to->driver, sizeof to->driver, "%s", name ? (const char *)name : "");
        egl_give_back(&trial);
    }
    driver.egl.destroy_context(display, trial.context);
    if (!ok || (driver.n_lanes && strcmp(to->driver, driver.lanes[0].driver) != 0)) return;
    pthread_mutex_init(&to->mutex, NULL);
    driver.n_lanes++;
}

static bool is_software(egl_handle device) {
    const char *words = driver.egl.query_device_string
                            ? driver.egl.query_device_string(device, EGL_EXTENSIONS_)
                            : NULL;
    return words && strstr(words, "EGL_MESA_device_software");
}

// The surfaceless platform, else the first device that draws; and where that is in software, another
// display for it.
static void egl_find(char *why, size_t why_size) {
    static const char *const names[] = {"libEGL.so.1", "libEGL.so", NULL};
    egl_handle devices[DEVICES];
    int n = 0;
    driver.library = load(names, why, why_size);
    if (!driver.library) return;
    snprintf(why, why_size, "EGL is there, but neither Mesa's software driver nor a GPU's works");
    const egl_calls *c = &driver.egl;
    if (egl_resolve()) {
        egl_try(c->get_platform_display(EGL_PLATFORM_SURFACELESS_MESA_, NULL, NULL));
        if (!c->query_devices || !c->query_devices(DEVICES, devices, &n)) n = 0;
    }
    for (int i = 0; i < n && driver.n_lanes < LANES; i++)
        if (driver.n_lanes == 0 ||
            (strstr(driver.lanes[0].driver, "llvmpipe") && is_software(devices[i])))
            egl_try(c->get_platform_display(EGL_PLATFORM_DEVICE_EXT_, devices[i], NULL));
    if (driver.n_lanes) return;
    // MuJoCo would take OpenGL's functions from it, and OSMesa's contexts need OSMesa's.
    dlclose(driver.library);
    driver.library = NULL;
}

//------------------------------------------ OSMesa ------------------------------------------------

static egl_handle osmesa_context(void) {
    return driver.osmesa.create(OSMESA_RGBA_, 24, 8, 0, NULL);
}

static void osmesa_find(char *why, size_t why_size) {
    static const char *const names[] = {"libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so", NULL};
    osmesa_calls *c = &driver.osmesa;
    egl_handle trial = NULL;
    driver.library = load(names, why, why_size);
    if (!driver.library) return;
    if (find(driver.library, "OSMesaCreateContextExt", &c->create) &&
        find(driver.library, "OSMesaDestroyContext", &c->destroy) &&
        find(driver.library, "OSMesaMakeCurrent", &c->make_current))
        trial = osmesa_context();
    if (trial) {
        c->destroy(trial);
        driver.lanes[0].display = NULL;
        pthread_mutex_init(&driver.lanes[0].mutex, NULL);
        driver.n_lanes = 1;
        return;
    }
    snprintf(why, why_size, "OSMesa is there, but makes no context");
    dlclose(driver.library);
    driver.library = NULL;
}

//------------------------------------------ Either ------------------------------------------------

// The lane with the fewest contexts; NULL where there is nothing to draw with.
static lane *take_lane(char *egl, char *osmesa, size_t size) {
    pthread_mutex_lock(&driver.mutex);
    if (driver.n_lanes == 0) egl_find(egl, size);
    if (driver.n_lanes == 0) osmesa_find(osmesa, size);
    lane *taken = driver.n_lanes ? &driver.lanes[0] : NULL;
    for (int i = 1; i < driver.n_lanes; i++)
        if (driver.lanes[i].n < taken->n) taken = &driver.lanes[i];
    if (taken) taken->n++;
    pthread_mutex_unlock(&driver.mutex);
    return taken;
}

int udy__gl_open(udy__gl **out, udy_error *err) {
    *out = NULL;
    udy__gl *gl = udy_alloc(sizeof *gl);
    if (!gl) return udy_error_set(err, UDY_ENOMEM, "no memory for an OpenGL context");
    char egl[224] = "", osmesa[224] = "";
    gl->lane = take_lane(egl, osmesa, sizeof egl);
    if (!gl->lane) {
        udy_free(gl);
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "nothing to draw with: OpenGL was found neither through EGL (%s) nor "
                             "through OSMesa (%s); install Debian's packages libegl1 and "
                             "libgl1-mesa-dri (apt-get install libegl1 libgl1-mesa-dri)",
                             egl, osmesa);
    }
    pthread_mutex_lock(&gl->lane->mutex);
    gl->context = gl->lane->display ? egl_context(gl->lane->display) : osmesa_context();
    pthread_mutex_unlock(&gl->lane->mutex);
    if (!gl->context) {
        int status = udy_error_set(err, UDY_EUNSUPPORTED, "no further OpenGL context through %s",
                                   udy__gl_kind(gl));
        udy__gl_close(gl);
        return status;
    }
    *out = gl;
    return UDY_OK;
}

int udy__gl_enter(udy__gl *gl, udy_error *err) {
    bool ok;
    pthread_mutex_lock(&gl->lane->mutex);
    if (gl->lane->display) {
        ok = egl_make_current(gl);
    } else {
        ok = driver.osmesa.make_current(gl->context, gl->pixels, GL_UNSIGNED_BYTE_, 16, 16);
    }
    if (ok) return UDY_OK;
    pthread_mutex_unlock(&gl->lane->mutex);
    return udy_error_set(err, UDY_EUNSUPPORTED,
                         "the OpenGL context (%s) cannot be used on this thread; is it in use on "
                         "another?",
                         udy__gl_kind(gl));
}

void udy__gl_leave(udy__gl *gl) {
    if (gl->lane->display)
        egl_give_back(gl);
    else
        // OSMesa cannot say which buffer another context had: it is left with none.
        driver.osmesa.make_current(NULL, NULL, GL_UNSIGNED_BYTE_, 0, 0);
    pthread_mutex_unlock(&gl->lane->mutex);
}

void udy__gl_close(udy__gl *gl) {
    if (!gl) return;
    // The library stays: MuJoCo keeps its functions for the life of the process.
    lane *from = gl->lane;
    pthread_mutex_lock(&from->mutex);
    if (gl->context && from->display) driver.egl.destroy_context(from->display, gl->context);
    if (gl->context && !from->display) driver.osmesa.destroy(gl->context);
    pthread_mutex_unlock(&from->mutex);
    pthread_mutex_lock(&driver.mutex);
    from->n--;
    pthread_mutex_unlock(&driver.mutex);
    udy_free(gl);
}

const char *udy__gl_kind(const udy__gl *gl) {
    return gl->lane->display ? "EGL" : "OSMesa";
}
