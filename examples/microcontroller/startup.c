// What runs before main on a bare Cortex-M: the vector table, the FPU, and memory as C expects it.
#include <stdint.h>

extern uint32_t image_data_begin[], data_begin[], data_end[], bss_begin[], bss_end[], stack_top[];
int main(void);
void leave(int code);

// Every fault ends the program, so that a test does not hang.
static void fault(void) {
    leave(3);
}

void reset(void);
void reset(void) {
    volatile uint32_t *const cpacr = (volatile uint32_t *)0xE000ED88u;
    *cpacr |= 0xFu << 20;  // coprocessors 10 and 11: the FPU
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    const uint32_t *from = image_data_begin;
    for (uint32_t *to = data_begin; to < data_end; to++) *to = *from++;
    for (uint32_t *to = bss_begin; to < bss_end; to++) *to = 0;
    leave(main());
}

typedef union entry {
    uint32_t *stack;
    void (*handler)(void);
} entry;

__attribute__((used, section(".vectors"))) static const entry vectors[16] = {
    {.stack = stack_top}, {.handler = reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault},   {.handler = fault}, {.handler = fault}, {0},
};
