// SPDX-License-Identifier: Apache-2.0
// Scalar floating point. Fused operations are written out and the compiler makes none of its own
// (-ffp-contract=off), so that checksums are equal on every machine.
#include <stdlib.h>

#include "kernel.h"

static uint64_t add_double(uint64_t sum, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return mix_in(sum, bits);
}

static uint64_t mandelbrot(unsigned amount)
{
    uint64_t sum = 0;
    for (unsigned row = 0; row < amount; row++) {
        for (unsigned column = 0; column < amount; column++) {
            double cr = 3.0 * column / amount - 2.2, ci = 3.0 * row / amount - 1.5;
            double r = 0, i = 0;
            unsigned steps = 0;
            while (steps < 120 && r * r + i * i < 4) {
                double next = r * r - i * i + cr;
                i = 2 * r * i + ci;
                r = next;
                steps++;
            }
            sum += steps;
        }
    }
    return mix_in(0, sum);
}

struct body {
    double x[3], v[3], mass;
};

static void advance(struct body *bodies, int count, double step)
{
    for (int i = 0; i < count; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < count; j++) {
            struct body *b = &bodies[j];
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = a->x[k] - b->x[k];
                square += d[k] * d[k];
            }
            double pull = step / (square * __builtin_sqrt(square));
            for (int k = 0; k < 3; k++) {
                a->v[k] -= d[k] * b->mass * pull;
                b->v[k] += d[k] * a->mass * pull;
            }
        }
    }
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < 3; k++)
            bodies[i].x[k] += step * bodies[i].v[k];
    }
}

static uint64_t nbody(unsigned amount)
{
    enum { COUNT = 5 };
    struct body bodies[COUNT];
    for (int i = 0; i < COUNT; i++) {
        bodies[i] = (struct body){{i * 2.5, (i % 3) - 1.25 * i, 0.3 * i},
                                  {0.1 * (i % 2), 0.4 - 0.05 * i, -0.02 * i},
                                  i ? 0.01 / i : 4};
    }
    for (unsigned i = 0; i < amount * 1000; i++)
        advance(bodies, COUNT, 0.001);
    uint64_t sum = 0;
    for (int i = 0; i < COUNT; i++)
        sum = add_double(sum, bodies[i].x[0]);
    return sum;
}

struct complex {
    double re, im;
};

// exp(-2 pi i k / n) for every k, from roots of one half-angle formula after the other.
static void twiddle(struct complex *w, unsigned n)
{
    double re = -1, im = 0; // of a turn by half a circle
    w[0] = (struct complex){1, 0};
    for (unsigned stride = n / 2; stride; stride /= 2) {
        for (unsigned k = stride; k < n; k += 2 * stride) {
            struct complex a = w[k - stride];
            w[k] = (struct complex){a.re * re - a.im * im, a.re * im + a.im * re};
        }
        double half = __builtin_sqrt((1 + re) / 2);
        im = stride == n / 2 ? -1 : im / (2 * half);
        re = stride == n / 2 ? 0 : half;
    }
}

static void fft(struct complex *a, const struct complex *w, unsigned n)
{
    for (unsigned i = 1, j = 0; i < n; i++) {
        unsigned bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            struct complex t = a[i];
            a[i] = a[j];
            a[j] = t;
        }
    }
    for (unsigned length = 2; length <= n; length *= 2) {
        for (unsigned i = 0; i < n; i += length) {
            for (unsigned k = 0; k < length / 2; k++) {
                struct complex u = a[i + k], v = a[i + k + length / 2], t = w[k * (n / length)];
                double re = __builtin_fma(v.re, t.re, -(v.im * t.im)),
                       im = __builtin_fma(v.re, t.im, v.im * t.re);
                a[i + k] = (struct complex){u.re + re, u.im + im};
                a[i + k + length / 2] = (struct complex){u.re - re, u.im - im};
            }
        }
    }
}

static uint64_t transform(unsigned amount)
{
    enum { N = 4096 };
    struct complex *a = must_alloc(N * sizeof(*a)), *w = must_alloc(N * sizeof(*w));
    uint64_t seed = 77, sum = 0;
    twiddle(w, N);
    while (amount--) {
        for (unsigned i = 0; i < N; i++)
            a[i] = (struct complex){(double)(next_random(&seed) >> 40) / 1024, 0};
        fft(a, w, N);
        for (unsigned i = 0; i < N; i += 97)
            sum = add_double(sum, a[i].re);
    }
    free(a);
    free(w);
    return sum;
}

static void factor(double *a, unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        unsigned best = k;
        for (unsigned i = k + 1; i < n; i++) {
            if (__builtin_fabs(a[i * n + k]) > __builtin_fabs(a[best * n + k]))
                best = i;
        }
        for (unsigned j = 0; best != k && j < n; j++) {
            double t = a[k * n + j];
            a[k * n + j] = a[best * n + j];
            a[best * n + j] = t;
        }
        for (unsigned i = k + 1; i < n; i++) {
            double ratio = a[i * n + k] /= a[k * n + k];
            for (unsigned j = k + 1; j < n; j++)
                a[i * n + j] = __builtin_fma(-ratio, a[k * n + j], a[i * n + j]);
        }
    }
}

static uint64_t lu(unsigned amount)
{
    enum { N = 160 };
    double *a = must_alloc(N * N * sizeof(*a));
    uint64_t seed = 99, sum = 0;
    while (amount--) {
        for (unsigned i = 0; i < N * N; i++)
            a[i] = (double)(int64_t)next_random(&seed) / 9.2e18;
        factor(a, N);
        for (unsigned i = 0; i < N; i++)
            sum = add_double(sum, a[i * N + i]);
    }
    free(a);
    return sum;
}

static void times(const double *v, double *out, unsigned n, int transposed)
{
    for (unsigned i = 0; i < n; i++) {
        double sum = 0;
        for (unsigned j = 0; j < n; j++) {
            unsigned r = transposed ? j : i, c = transposed ? i : j;
            sum += v[j] / ((r + c) * (r + c + 1) / 2 + r + 1);
        }
        out[i] = sum;
    }
}

static uint64_t spectral(unsigned amount)
{
    enum { N = 300 };
    double u[N], v[N], t[N];
    for (int i = 0; i < N; i++)
        u[i] = 1;
    for (unsigned i = 0; i < amount; i++) {
        times(u, t, N, 0);
        times(t, v, N, 1);
        times(v, t, N, 0);
        times(t, u, N, 1);
    }
    double uv = 0, vv = 0;
    for (int i = 0; i < N; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    return add_double(0, __builtin_sqrt(uv / vv));
}

// Conversions, comparisons and selections, as in code that looks at values and not only sums them.
static uint64_t convert(unsigned amount)
{
    uint64_t seed = 5, sum = 0;
    float low = 1e30f, high = -1e30f;
    for (unsigned i = 0; i < amount * 10000; i++) {
        int32_t whole = (int32_t)next_random(&seed);
        double wide = whole / 65536.0;
        float narrow = (float)wide * 1.7f;
        low = narrow < low ? narrow : low;
        high = narrow > high ? narrow : high;
        sum += (uint64_t)(int64_t)wide + (uint32_t)(int32_t)narrow;
        if (__builtin_fabs(wide) < 100)
            sum ^= (uint64_t)(int64_t)__builtin_floor(wide * 8);
    }
    return add_double(add_double(sum, low), high);
}

const struct kernel bench_fp[] = {
    {"mandelbrot", mandelbrot, 250},
    {"n-body", nbody, 150},
    {"fft", transform, 150},
    {"lu", lu, 10},
    {"spectral-norm", spectral, 60},
    {"fp-convert", convert, 400},
    {NULL, NULL, 0},
};
