// An exported policy on a bare Cortex-M: its self-test, the stack that a call takes, and the
// instructions that it takes, told to the debugger or emulator by semihosting. See run.sh.
#include <stdint.h>

#include "policy.h"

void leave(int code);

//------------------------------------------ Semihosting -------------------------------------------

static int32_t semihost(int32_t operation, const void *block) {
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void put(const char *text) {
    semihost(0x04, text);  // SYS_WRITE0
}

static void put_number(const char *name, uint32_t x) {
    char text[12], *p = text + sizeof text - 1;
    *p = '\0';
    do {
        *--p = (char)('0' + x % 10);
        x /= 10;
    } while (x);
    put(name);
    put(" ");
    put(p);
    put("\n");
}

void leave(int code) {
    const uint32_t block[] = {0x20026u, (uint32_t)code};  // ADP_Stopped_ApplicationExit
    semihost(0x20, block);                                // SYS_EXIT_EXTENDED
    for (;;) {
    }
}

//------------------------------------------ Measuring ---------------------------------------------

extern uint32_t stack_limit[];
#define PAINT 0x5ac3b1e7u

// Bytes below this frame that a call of the policy wrote to.
__attribute__((noinline)) static uint32_t stack_of_call(const float *obs, float *action) {
    volatile uint32_t *const here = (volatile uint32_t *)__builtin_frame_address(0) - 16;
    for (volatile uint32_t *p = here; p > stack_limit; p--) *p = PAINT;
    policy_act(obs, action);
    volatile uint32_t *p = stack_limit + 1;
    while (p < here && *p == PAINT) p++;
    return (uint32_t)((uintptr_t)__builtin_frame_address(0) - (uintptr_t)p);
}

// SysTick counts down from 2^24 - 1 at the processor's clock.
static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010u;

static uint32_t since(uint32_t start) {
    return (start - systick[2]) & 0xFFFFFFu;
}

// A loop of known length: 2 instructions a turn.
__attribute__((noinline)) static void spin(uint32_t turns) {
    __asm__ volatile("1: subs %0, #1\n\tbne 1b" : "+r"(turns)::"cc");
}

// Instructions for a call. The emulator's clock advances by a fixed time an instruction; how many
// ticks of the timer those are is found by a loop of known length. On real hardware this gives
// something else: cycles, measured in cycles of that loop.
static uint32_t instructions_of_call(const float *obs, float *action) {
    enum { TURNS = 1000000, CALLS = 8 };
    systick[1] = 0xFFFFFFu;
    systick[2] = 0;
    systick[0] = 5;            // on, processor clock, no interrupt
    while (systick[2] == 0) {  // until it has taken its first value
    }
    uint32_t start = systick[2];
    spin(TURNS);
    const uint32_t known = since(start);
    start = systick[2];
    for (int i = 0; i < CALLS; i++) policy_act(obs, action);
    const uint32_t taken = since(start);
    return (uint32_t)((uint64_t)taken * (2 * TURNS) / known / CALLS);
}

int main(void) {
    static float obs[POLICY_OBS_DIM], action[POLICY_ACT_DIM];
    float worst;
    const int failed = policy_self_test(&worst);
    for (int i = 0; i < POLICY_OBS_DIM; i++) obs[i] = (float)(i % 5) - 2.0f;
    put_number("failed", (uint32_t)failed);
    put_number("worst_e9", (uint32_t)(worst * 1e9f));
    put_number("stack", stack_of_call(obs, action));
    put_number("instructions", instructions_of_call(obs, action));
    return failed;
}
