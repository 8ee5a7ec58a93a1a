//! SIMD vectors of f32 values, one type for each instruction set. [`simd`](super::simd) chooses one
//! at run time.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
pub use self::x86::{Eight, Sixteen};

/// A vector of f32 values in one register.
///
/// # Safety
///
/// For all functions: this machine must support the instructions, and pointers must be valid for
/// `LANES` values.
pub trait Vector: Copy {
    const LANES: usize;
    /// Number of vector registers.
    const REGISTERS: usize;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn splat(x: f32) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    /// `self b + c`.
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;
}

/// Four values. Uses fused multiply-adds on 64-bit ARM, where they are part of the base instruction
/// set.
#[derive(Clone, Copy)]
pub struct Four([f32; 4]);

impl Vector for Four {
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: promised by the caller; an array of f32 needs no more alignment than one f32.
        Self(unsafe { from.cast::<[f32; 4]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: promised by the caller.
        unsafe { to.cast::<[f32; 4]>().write(self.0) }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; 4])
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        Self(std::array::from_fn(|lane| match cfg!(target_arch = "aarch64") {
            true => self.0[lane].mul_add(b.0[lane], c.0[lane]),
            false => self.0[lane] * b.0[lane] + c.0[lane],
        }))
    }
}

/// One value, for what is left when fewer than a whole vector remain.
impl Vector for f32 {
    const LANES: usize = 1;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: promised by the caller.
        unsafe { from.read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: promised by the caller.
        unsafe { to.write(self) }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        x
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    macro_rules! vector {
        (
            $name:ident = $vector:ident, $lanes:literal lanes, $registers:literal registers,
            $load:ident $store:ident $splat:ident $add:ident $multiply_add:ident
        ) => {
            pub type $name = $vector;

            // SAFETY, for all functions: promised by the caller, who has detected the features.
            impl Vector for $name {
                const LANES: usize = $lanes;
                const REGISTERS: usize = $registers;

                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    unsafe { $load(from) }
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    unsafe { $store(to, self) }
                }

                #[inline(always)]
                unsafe fn splat(x: f32) -> Self {
                    unsafe { $splat(x) }
                }

                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    unsafe { $add(self, other) }
                }

                #[inline(always)]
                unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
                    unsafe { $multiply_add(self, b, c) }
                }
            }
        };
    }

    vector!(
        Sixteen = __m512, 16 lanes, 32 registers,
        _mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_add_ps _mm512_fmadd_ps
    );
    vector!(
        Eight = __m256, 8 lanes, 16 registers,
        _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_add_ps _mm256_fmadd_ps
    );
}
