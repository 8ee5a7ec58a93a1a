//! Compiles loops for the widest vectors of the machine, chosen at run time.
//!
//! The loops inside a closure are compiled three times (AVX-512, AVX2, baseline), and the compiler
//! vectorises each version. Multiplications and additions stay separate (no fused `mul_add`):
//! without FMA each `mul_add` would be a function call, and so every instruction set gives the same
//! bits. The loops wait for memory, not for the multiplier.

#![allow(unsafe_code)]

/// Runs `body` compiled for the widest vectors. Mark the closure, and everything it calls,
/// `#[inline(always)]`, and write its loops with `for`: `Iterator::for_each` is a function of its
/// own, which is compiled for the narrowest vectors.
#[inline(always)]
pub fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the features were detected.
            return unsafe { with_avx512(body) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the feature was detected.
            return unsafe { with_avx2(body) };
        }
    }
    body()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn with_avx512<R>(body: impl FnOnce() -> R) -> R {
    body()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(body: impl FnOnce() -> R) -> R {
    body()
}
