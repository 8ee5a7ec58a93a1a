//! SIMD vectors of the widest instruction set of the machine, chosen at run time.
//!
//! A [`Kernel`] is written once over [`Vector`] and compiled for each instruction set. Its sums
//! stay in registers, and it uses fused multiply-adds where the machine has them. Loops that the
//! compiler vectorises well by itself are in [`simd`](super::simd).

#![allow(unsafe_code)]

use std::sync::OnceLock;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Four lanes, vectorised by the compiler: NEON on every 64-bit ARM.
    Portable,
}

impl Instructions {
    /// Detects the widest instruction set of this machine.
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

    /// f32 values per vector.
    pub const fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => x86::Sixteen::LANES,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => x86::Eight::LANES,
            Instructions::Portable => Four::LANES,
        }
    }

    /// Number of vector registers.
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
    /// The requirements of [`Kernel::run`]. `self` must have been detected, or be narrower than the
    /// detected set.
    pub unsafe fn run(self, kernel: impl Kernel) {
        // SAFETY: promised by the caller.
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

/// Code that is compiled for every instruction set. Mark `run` and everything it calls
/// `#[inline(always)]`.
pub trait Kernel {
    /// # Safety
    ///
    /// All memory that the kernel refers to must be valid for its reads and writes, and this
    /// machine must support the instructions of `V`.
    unsafe fn run<V: Vector>(self);
}

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

    use super::{Kernel, Vector};

    macro_rules! instruction_set {
        (
            $run:ident, $features:literal, $name:ident = $vector:ident, $lanes:literal lanes, $registers:literal registers,
            $load:ident $store:ident $splat:ident $add:ident $multiply_add:ident
        ) => {
            pub type $name = $vector;

            #[target_feature(enable = $features)]
            pub unsafe fn $run(kernel: impl Kernel) {
                // SAFETY: promised by the caller.
                unsafe { kernel.run::<$name>() }
            }

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

    instruction_set!(
        avx512, "avx512f", Sixteen = __m512, 16 lanes, 32 registers,
        _mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_add_ps _mm512_fmadd_ps
    );
    instruction_set!(
        avx2, "avx2,fma", Eight = __m256, 8 lanes, 16 registers,
        _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_add_ps _mm256_fmadd_ps
    );
}
