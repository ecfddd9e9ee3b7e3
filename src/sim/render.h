// render.h: what the renderer (render.c) asks of its stage (render_stage.c): how a model is dressed
// for the camera, where the camera stands, where it looks.
#ifndef UNDERSTUDY_SRC_SIM_RENDER_H_
#define UNDERSTUDY_SRC_SIM_RENDER_H_

#include "sim/internal.h"

// Where the camera stands relative to what it looks at.
typedef struct udy__lens {
    double distance;            // m
    double azimuth, elevation;  // degrees
    double rise;                // m from the main body up to the robot's middle, upright
} udy__lens;

// Change how a model looks, not what it is: floor, lights, buffers of the picture's size.
void udy__dress(mjModel *m, int width, int height);
// A lens that has the whole robot in a picture of this aspect (width / height). d: scratch
udy__lens udy__lens_for(const udy_task *task, const mjModel *m, mjData *d, double aspect);
// The point to look at, from positions that are up to date.
void udy__look_at(const udy_task *task, const udy__lens *lens, const mjData *d, double point[3]);
// After a scene's update: bring floor, backdrop and shadows along with the camera.
void udy__set_stage(mjvScene *scene, const double look_at[3]);

#endif  // UNDERSTUDY_SRC_SIM_RENDER_H_
