//! A tensor that may be overwritten.

use burn_flex::FlexTensor;

use super::nhwc;

/// Returns the tensor if no other shares its memory and it covers all of its storage; otherwise a
/// copy.
pub fn owned(tensor: FlexTensor) -> FlexTensor {
    let len = tensor.layout().shape().num_elements();
    let is_owned = tensor.is_unique()
        && tensor.layout().contiguous_offsets() == Some((0, len))
        && tensor.bytes().len() == len * size_of::<f32>();
    if is_owned {
        return tensor;
    }
    nhwc::vector(&nhwc::values(&tensor))
}
