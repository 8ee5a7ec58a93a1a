//! The fully connected layer.

use burn::tensor::Tensor;

/// Fully connected layer: `x @ weight^T + bias`.
///
/// # Shapes
///
/// - `x`: `[batch, features]`
/// - `weight`: `[outputs, features]`, PyTorch's layout
/// - `bias`: `[outputs]`
/// - result: `[batch, outputs]`
///
/// # Panics
///
/// When the shapes disagree.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let y = x.matmul(weight.transpose());
    match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    }
}
