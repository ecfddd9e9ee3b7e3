// c_source.h: what the files of exported C share: c_source.c has the policy, its header and the code
// that runs it; c_source_test.c its self-test; c_source_text.c prints names, numbers and comments.
#ifndef UNDERSTUDY_IO_C_SOURCE_H_
#define UNDERSTUDY_IO_C_SOURCE_H_

#include "base/text.h"
#include "io/export.h"

#define UDY__C_NAME_MAX 48

// One export under way.
typedef struct udy__c {
    const udy_plain_policy *policy;
    const udy_c_config *config;
    udy__ending ending;
    const char *name;             // "ant"
    char upper[UDY__C_NAME_MAX];  // "ANT"
    const char *file;             // "ant-v5.c"
    udy__text text;               // of the file being made
} udy__c;

// A template: $n is the name, $N the name in capitals, $f the source's file, all else itself.
void udy__c_put(udy__c *c, const char *text);
// "static const TYPE NAME_WHAT[SIZE] = {...};" with as many numbers a line as fit.
void udy__c_floats(udy__c *c, const char *what, const float *x, size_t n);
void udy__c_whole(udy__c *c, const char *type, const char *what, const int32_t *x, size_t n);
// A float as a C constant that reads back to the same bits.
void udy__c_number(char out[24], float x);
// Text from outside as lines of a block comment, which it cannot end.
void udy__c_comment(udy__c *c, const char *text);

// The self-test of the policy that config's weights give.
int udy__c_self_test(udy__c *c, udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_IO_C_SOURCE_H_
