//! Devices that a network can run on: the CPU, or a GPU that this binary was built for.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use kennel_core::{Hint, Hinted};

use crate::{InferError, Result};

/// The Burn version that this crate is built on; Cargo.toml pins it.
pub const BURN_VERSION: &str = "0.22.1";

/// The device that the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The best device that is compiled in and works.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU through one of Burn's backends.
    Gpu(GpuKind, usize),
}

/// Burn's GPU backends, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GpuKind {
    /// NVIDIA GPUs.
    Cuda,
    /// AMD GPUs.
    Rocm,
    /// Apple GPUs.
    Metal,
    /// Any GPU with a Vulkan driver.
    Vulkan,
    /// Any GPU, with WebGPU shaders.
    WebGpu,
}

/// A device that works.
#[derive(Clone, Debug)]
pub struct Compute {
    device: Device,
    /// `cpu`, `cuda:0`, `vulkan`.
    pub name: String,
}

impl GpuKind {
    /// All backends, best first.
    pub const ALL: [GpuKind; 5] =
        [GpuKind::Cuda, GpuKind::Rocm, GpuKind::Metal, GpuKind::Vulkan, GpuKind::WebGpu];

    /// Its name, which is also the name of its cargo feature.
    pub const fn as_str(self) -> &'static str {
        match self {
            GpuKind::Cuda => "cuda",
            GpuKind::Rocm => "rocm",
            GpuKind::Metal => "metal",
            GpuKind::Vulkan => "vulkan",
            GpuKind::WebGpu => "webgpu",
        }
    }

    /// Whether this binary was built with it.
    pub const fn is_compiled_in(self) -> bool {
        match self {
            GpuKind::Cuda => cfg!(feature = "cuda"),
            GpuKind::Rocm => cfg!(feature = "rocm"),
            GpuKind::Metal => cfg!(feature = "metal"),
            GpuKind::Vulkan => cfg!(feature = "vulkan"),
            GpuKind::WebGpu => cfg!(feature = "webgpu"),
        }
    }

    /// Returns the device, or None if the backend is not compiled in. The hardware may still be
    /// missing.
    fn device(self, index: usize) -> Option<Device> {
        match self {
            #[cfg(feature = "cuda")]
            GpuKind::Cuda => Some(Device::cuda(index)),
            #[cfg(feature = "rocm")]
            GpuKind::Rocm => Some(Device::rocm(index)),
            #[cfg(feature = "metal")]
            GpuKind::Metal => Some(Device::metal(wgpu_kind(index))),
            #[cfg(feature = "vulkan")]
            GpuKind::Vulkan => Some(Device::vulkan(wgpu_kind(index))),
            #[cfg(feature = "webgpu")]
            GpuKind::WebGpu => Some(Device::webgpu(wgpu_kind(index))),
            #[allow(unreachable_patterns)]
            _ => {
                let _ = index;
                None
            }
        }
    }
}

#[cfg(any(feature = "metal", feature = "vulkan", feature = "webgpu"))]
fn wgpu_kind(index: usize) -> burn::tensor::DeviceKind {
    match index {
        0 => burn::tensor::DeviceKind::DefaultDevice,
        index => burn::tensor::DeviceKind::DiscreteGpu(index),
    }
}

impl DeviceChoice {
    /// Opens the device and checks it with a small computation.
    ///
    /// # Errors
    ///
    /// [`InferError::Device`] when it is not compiled in or does not work.
    pub fn open(self) -> Result<Compute> {
        match self {
            DeviceChoice::Cpu => Ok(Compute::cpu()),
            DeviceChoice::Gpu(kind, index) => open_gpu(kind, index),
            DeviceChoice::Auto => Ok(GpuKind::ALL
                .into_iter()
                .find_map(|kind| open_gpu(kind, 0).ok())
                .unwrap_or_else(Compute::cpu)),
        }
    }
}

impl Compute {
    /// The CPU, with this project's kernels.
    pub fn cpu() -> Self {
        Self { device: Device::flex(), name: "cpu".into() }
    }

    /// Burn's device, for the rooms that hold tensors.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

fn open_gpu(kind: GpuKind, index: usize) -> Result<Compute> {
    let name = DeviceChoice::Gpu(kind, index).to_string();
    let error = |reason: String, hint: Option<Hint>| InferError::Device {
        name: name.clone(),
        reason,
        hint: hint.map(Box::new),
    };
    let compute = || {
        let device = kind.device(index)?;
        let sum = burn::tensor::Tensor::<1>::ones([8], &device).sum().into_scalar::<f32>();
        Some((device, sum))
    };
    // The libraries below panic when a driver is missing, some on threads of their own; the panic
    // message becomes the error's reason.
    match kennel_core::catch_panics_of_threads(compute) {
        Ok(Some((device, 8.0))) => Ok(Compute { device, name }),
        Ok(Some((_, sum))) => Err(error(format!("it says that eight ones are {sum}"), None)),
        Ok(None) => Err(error(
            "this binary was built without it".into(),
            Some(Hint::BuildWith(kind.as_str())),
        )),
        Err(words) => {
            let first = words.lines().next().unwrap_or_default();
            Err(error(format!("it does not answer: {first}"), Some(Hint::CheckDriver)))
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => f.pad("auto"),
            DeviceChoice::Cpu => f.pad("cpu"),
            DeviceChoice::Gpu(kind, 0) => f.pad(kind.as_str()),
            DeviceChoice::Gpu(kind, index) => f.pad(&format!("{}:{index}", kind.as_str())),
        }
    }
}

/// A text that names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotADevice {
    /// The name is not known.
    #[error("expected one of {known}")]
    Name {
        /// The known names, separated by commas.
        known: String,
        /// The known name that is closest.
        nearest: Option<String>,
    },
    /// The number is not one.
    #[error("`{index}` is no number of a device")]
    Index {
        /// What stands after the colon.
        index: String,
    },
}

impl Hinted for NotADevice {
    fn hints(&self) -> Vec<Hint> {
        match self {
            NotADevice::Name { nearest, .. } => {
                nearest.iter().cloned().map(Hint::DidYouMean).collect()
            }
            NotADevice::Index { .. } => Vec::new(),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = NotADevice;

    fn from_str(text: &str) -> Result<Self, NotADevice> {
        let (name, index) = match text.split_once(':') {
            None => (text, None),
            Some((name, index)) => {
                let index =
                    index.parse::<u16>().map_err(|_| NotADevice::Index { index: index.into() })?;
                (name, Some(index))
            }
        };
        match (name, index) {
            ("auto", None) => return Ok(DeviceChoice::Auto),
            ("cpu", None) => return Ok(DeviceChoice::Cpu),
            _ => {}
        }
        let kind = GpuKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        match kind {
            Some(kind) => Ok(DeviceChoice::Gpu(kind, index.unwrap_or(0).into())),
            None => {
                let known = ["auto", "cpu"].into_iter().chain(GpuKind::ALL.map(GpuKind::as_str));
                let nearest = kennel_core::did_you_mean(name, known.clone()).map(String::from);
                Err(NotADevice::Name { known: known.collect::<Vec<_>>().join(", "), nearest })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_by_their_names() {
        for text in ["auto", "cpu", "cuda", "cuda:1", "rocm", "metal", "vulkan", "webgpu"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        assert_eq!("cuda:0".parse(), Ok(DeviceChoice::Gpu(GpuKind::Cuda, 0)));
        for wrong in ["gpu", "cpu:1", "cuda:x", "cuda:99999", ""] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
        let wrong = "vulcan".parse::<DeviceChoice>().unwrap_err();
        assert_eq!(wrong.hints(), [Hint::DidYouMean("vulkan".into())]);
    }

    #[test]
    fn something_always_answers_and_what_is_not_compiled_in_says_so() {
        assert!(!DeviceChoice::Auto.open().unwrap().name.is_empty());
        assert_eq!(DeviceChoice::Cpu.open().unwrap().name, "cpu");
        if !cfg!(feature = "rocm") {
            let error = DeviceChoice::Gpu(GpuKind::Rocm, 0).open().unwrap_err();
            assert_eq!(error.hints(), [Hint::BuildWith("rocm")]);
        }
    }
}
