//! Which tensors the fast path supports.

use burn::backend::{DType, DispatchDevice};
use burn::tensor::{Device, Tensor};

/// Whether the fast path supports this tensor: f32 on Flex, with or without autodiff. Check first:
/// a backend extension panics on any other device.
pub fn takes<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is_flex(&tensor.device())
}

/// Whether the tensor is not tracked by autodiff.
pub fn is_plain<const D: usize>(tensor: &Tensor<D>) -> bool {
    !matches!(tensor.device().as_dispatch(), DispatchDevice::Autodiff(_))
}

fn is_flex(device: &Device) -> bool {
    let is_flex = |device: &DispatchDevice| matches!(device, DispatchDevice::Flex(_));
    match device.as_dispatch() {
        DispatchDevice::Autodiff(device) => is_flex(device),
        device => is_flex(device),
    }
}
