//! Compiles code for every instruction set and chooses the widest of this machine at run time.
//!
//! No other file of this crate chooses. Two kinds of code run here:
//!
//! - A [`Kernel`] is written over [`Vector`]. Its sums stay in registers, and it uses fused
//!   multiply-adds where the machine has them.
//! - [`vectorised`] takes loops that the compiler vectorises well by itself. Multiplications and
//!   additions stay separate (no `mul_add`): the compiler never fuses them, and so every
//!   instruction set gives the same bits. These loops wait for memory, not for the multiplier.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use super::vector::{Eight, Sixteen};
use super::vector::{Four, Vector};

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
    /// Detects the widest instruction set of this machine. AVX-512 means F, BW, DQ and VL together:
    /// all processors with AVX-512 have them, except the Xeon Phi.
    #[inline]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                return Instructions::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Instructions::Avx2;
            }
        }
        Instructions::Portable
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
            Instructions::Avx512 => Sixteen::LANES,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => Eight::LANES,
            Instructions::Portable => Four::LANES,
        }
    }

    /// Number of vector registers.
    pub const fn registers(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => Sixteen::REGISTERS,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => Eight::REGISTERS,
            Instructions::Portable => Four::REGISTERS,
        }
    }

    /// Runs a kernel compiled for this instruction set.
    ///
    /// # Safety
    ///
    /// The requirements of [`Kernel::run`]. `self` must have been detected, or be narrower than the
    /// detected set.
    #[inline]
    pub unsafe fn run(self, kernel: impl Kernel) {
        // SAFETY: promised by the caller.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => avx512(kernel),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => avx2(kernel),
                Instructions::Portable => kernel.run::<Four>(),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn avx512(kernel: impl Kernel) {
    // SAFETY: promised by the caller.
    unsafe { kernel.run::<Sixteen>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(kernel: impl Kernel) {
    // SAFETY: promised by the caller.
    unsafe { kernel.run::<Eight>() }
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

/// Runs `loops` compiled for the widest vectors. Mark the closure, and everything it calls,
/// `#[inline(always)]`, and write its loops with `for`: `Iterator::for_each` is a function of its
/// own, which is compiled for the narrowest vectors.
#[inline(always)]
pub fn vectorised(loops: impl FnOnce()) {
    // SAFETY: the instructions were detected, and a safe closure has no other requirements.
    unsafe { Instructions::detect().run(Loops(loops)) }
}

struct Loops<F>(F);

impl<F: FnOnce()> Kernel for Loops<F> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        (self.0)();
    }
}
