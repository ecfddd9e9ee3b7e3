// A C++ program takes the headers as they are, and what it links is the library's.
#include <cstdio>

#include "understudy/understudy.h"

int main() {
    udy_error err = {};
    udy_task_config config = {};
    int status = udy_task_config_default(&config, "Ant-v5", &err);
    std::printf("%s %d %s\n", UDY_VERSION, config.frame_skip, udy_status_name(status));
    return status;
}
