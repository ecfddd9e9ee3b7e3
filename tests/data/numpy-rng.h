// Written by tests/unit/make_numpy_rng.py with NumPy 2.4.6.
static const numpy_case numpy_cases[] = {
    {0u, 0x1.c0cbca647ced0p-6, {0x1.017ed89db8441p-3, -0x1.0e8cfe9bd45ccp-3, 0x1.47e57a468b06dp-1}, 0x1.461fd79fb3850p-1, {850, 636, 511}},
    {1u, 0x1.35e59496dac00p-9, {0x1.61e0d28bbb3a1p-2, 0x1.a4ab22204681fp-1, 0x1.525e18ce5fc0ap-2}, 0x1.060d7be6f245cp-1, {473, 511, 755}},
    {42u, 0x1.c0d97eba2bd40p-5, {0x1.3807c1104fc6bp-2, -0x1.0a3c65fca9a7ep+0, 0x1.803b239e77350p-1}, 0x1.8c43f79a2db24p-1, {89, 773, 654}},
    {4294967295u, -0x1.966a6891fa937p-5, {-0x1.bed210a08635ep-6, 0x1.b90b7ac677284p-3, -0x1.55773a8d2c747p-1}, 0x1.01fd7ea4c363ep-2, {190, 251, 724}},
    {4294967303u, 0x1.ba9953bf2b6f0p-5, {0x1.63b2cdb11bec7p-2, -0x1.2b3ededa4ab53p+1, -0x1.5afd8c3a50829p-2}, 0x1.8a4fea2bbd92bp-1, {870, 770, 875}},
    {18446744073709551615u, 0x1.26f4a976b4fb8p-5, {0x1.715303191d87bp-1, -0x1.f10c32096a2bdp-1, 0x1.1b8d40660f8bfp-4}, 0x1.5c2c74f5188eap-1, {547, 680, 950}},
};
static const double numpy_normal_largest = 0x1.20cbca5b49172p+2;
static const double numpy_normal_last = -0x1.29a120dde8090p+0;
static const uint64_t numpy_integers_wide[5] = {1875286399814, 2691641402908, 2327057070735, 675621569971, 900498854733};
static const double numpy_stream_42_bc_init_3 = 0x1.55a64283dd910p-3;
