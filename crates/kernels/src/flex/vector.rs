//! Vectors of the widest instruction set of the machine at hand, in a binary compiled for any.
//!
//! A [`Kernel`] is written once over [`Vector`] and compiled for each instruction set, with its sums held in registers
//! and multiplications fused with additions where the machine can. Loops that a compiler vectorises well by itself are
//! in [`simd`](super::simd).

#![allow(unsafe_code)]

use std::sync::OnceLock;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Four lanes, as the compiler finds them: NEON on every 64-bit ARM.
    Portable,
}

impl Instructions {
    /// The widest of this machine.
    pub fn detect() -> Self {
        static FOUND: OnceLock<Instructions> = OnceLock::new();
        *FOUND.get_or_init(|| {
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx512f") {
                    return Instructions::Avx512;
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    return Instructions::Avx2;
                }
            }
            Instructions::Portable
        })
    }

    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "avx2",
            Instructions::Portable => "portable",
        }
    }

    /// Numbers of a vector.
    pub const fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => x86::Sixteen::LANES,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => x86::Eight::LANES,
            Instructions::Portable => Four::LANES,
        }
    }

    /// Registers that hold a vector.
    pub const fn registers(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => x86::Sixteen::REGISTERS,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => x86::Eight::REGISTERS,
            Instructions::Portable => Four::REGISTERS,
        }
    }

    /// Runs a kernel compiled for this instruction set.
    ///
    /// # Safety
    ///
    /// What [`Kernel::run`] asks for, and `self` must have been detected, or be narrower than what was.
    pub unsafe fn run(self, kernel: impl Kernel) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => x86::avx512(kernel),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => x86::avx2(kernel),
                Instructions::Portable => kernel.run::<Four>(),
            }
        }
    }
}

/// What is compiled for every instruction set. Mark `run`, and what it calls, `#[inline(always)]`.
pub trait Kernel {
    /// # Safety
    ///
    /// What the kernel names must lie in memory that may be read or written, and the vectors' instructions must be those
    /// of this machine.
    unsafe fn run<V: Vector>(self);
}

/// Some numbers in one register.
///
/// # Safety
///
/// Of all functions: the instructions must be those of this machine, and pointers lead to `LANES` numbers.
pub trait Vector: Copy {
    const LANES: usize;
    /// Registers there are.
    const REGISTERS: usize;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn splat(x: f32) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    /// `self b + c`.
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;
}

/// Four numbers. On 64-bit ARM, where a fused multiply-add is part of the base, it is used.
#[derive(Clone, Copy)]
pub struct Four([f32; 4]);

impl Vector for Four {
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's; an array of f32 needs no more alignment than one.
        Self(unsafe { from.cast::<[f32; 4]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's.
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

/// One number: where there are fewer than a vector's.
impl Vector for f32 {
    const LANES: usize = 1;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's.
        unsafe { from.read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's.
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

    use super::{Kernel, Vector};

    macro_rules! instruction_set {
        (
            $run:ident, $features:literal, $name:ident = $vector:ident, $lanes:literal lanes, $registers:literal registers,
            $load:ident $store:ident $splat:ident $add:ident $multiply_add:ident
        ) => {
            pub type $name = $vector;

            #[target_feature(enable = $features)]
            pub unsafe fn $run(kernel: impl Kernel) {
                // SAFETY: the caller's.
                unsafe { kernel.run::<$name>() }
            }

            // SAFETY, of all: the caller's, who has detected the features.
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

    instruction_set!(
        avx512, "avx512f", Sixteen = __m512, 16 lanes, 32 registers,
        _mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_add_ps _mm512_fmadd_ps
    );
    instruction_set!(
        avx2, "avx2,fma", Eight = __m256, 8 lanes, 16 registers,
        _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_add_ps _mm256_fmadd_ps
    );
}
