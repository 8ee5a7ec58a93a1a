//! Checks of the program and the machine.

use std::env::consts::{ARCH, OS};

use bytesize::ByteSize;

use super::found::Found;
use super::system;

/// With less memory than this, training even the smallest network may fail.
const LITTLE_MEMORY: u64 = 1 << 30;

/// Returns version, profile, target and features.
pub fn build() -> String {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let library = [
        (cfg!(target_env = "gnu"), "-gnu"),
        (cfg!(target_env = "musl"), "-musl"),
        (cfg!(target_env = "msvc"), "-msvc"),
    ];
    let library = library.into_iter().find_map(|(is, name)| is.then_some(name)).unwrap_or_default();
    let features = [
        (cfg!(feature = "cuda"), "cuda"),
        (cfg!(feature = "rocm"), "rocm"),
        (cfg!(feature = "metal"), "metal"),
        (cfg!(feature = "vulkan"), "vulkan"),
        (cfg!(feature = "webgpu"), "webgpu"),
    ];
    let features: Vec<&str> =
        features.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
    let features =
        if features.is_empty() { "no cargo features".into() } else { features.join(", ") };
    let burn = kennel_infer::BURN_VERSION;
    format!(
        "{}, {profile}, {ARCH}-{OS}{library}, {features}, Burn {burn}",
        env!("CARGO_PKG_VERSION")
    )
}

pub fn name_of_system() -> Found {
    Found::ok(system::name().unwrap_or_else(|| OS.into()))
}

pub fn processor() -> Found {
    let name = system::processor().unwrap_or_else(|| ARCH.into());
    let sets = instruction_sets();
    let sets = if sets.is_empty() { String::new() } else { format!(" with {}", sets.join(", ")) };
    Found::ok(format!("{name}{sets}; the kernels use {}", kennel_infer::instruction_set()))
}

/// Returns the processor's instruction sets that matter for arithmetic.
fn instruction_sets() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let known = [
        (is_x86_feature_detected!("sse4.2"), "sse4.2"),
        (is_x86_feature_detected!("avx"), "avx"),
        (is_x86_feature_detected!("avx2"), "avx2"),
        (is_x86_feature_detected!("fma"), "fma"),
        (is_x86_feature_detected!("avx512f"), "avx512f"),
        (is_x86_feature_detected!("avx512vnni"), "avx512vnni"),
        (is_x86_feature_detected!("avx512bf16"), "avx512bf16"),
    ];
    #[cfg(target_arch = "aarch64")]
    let known = [
        (std::arch::is_aarch64_feature_detected!("neon"), "neon"),
        (std::arch::is_aarch64_feature_detected!("dotprod"), "dotprod"),
        (std::arch::is_aarch64_feature_detected!("i8mm"), "i8mm"),
        (std::arch::is_aarch64_feature_detected!("sve"), "sve"),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let known: [(bool, &str); 0] = [];
    known.into_iter().filter_map(|(is_there, name)| is_there.then_some(name)).collect()
}

pub fn threads() -> Found {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let computing = kennel_infer::threads();
    let text = format!("{computing} compute, on {cores} cores for this process");
    let Some(asked) = std::env::var_os("RAYON_NUM_THREADS").filter(|value| !value.is_empty())
    else {
        return Found::ok(text);
    };
    let asked = asked.to_string_lossy();
    match asked.parse::<usize>() {
        Ok(_) => Found::ok(format!("{text}; RAYON_NUM_THREADS is {asked}")),
        Err(_) => {
            Found::problem(format!("{text}; RAYON_NUM_THREADS is `{asked}`, which is no number"))
                .hint("set it to how many threads may compute, or unset it for one per core")
        }
    }
}

pub fn memory() -> Found {
    let Some((total, available)) = system::memory() else {
        return Found::none("the system does not say how much there is");
    };
    let shown = |bytes: u64| ByteSize(bytes).display().si();
    let text = format!("{}, of which {} are available", shown(total), shown(available));
    match available < LITTLE_MEMORY {
        true => {
            Found::problem(text).hint("close other programs, or train with a lower --batch-size")
        }
        false => Found::ok(text),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_of_burn_is_that_of_the_lock() {
        let lock = include_str!("../../../../Cargo.lock");
        let burn = format!("name = \"burn\"\nversion = \"{}\"\n", kennel_infer::BURN_VERSION);
        assert!(lock.contains(&burn));
    }
}
