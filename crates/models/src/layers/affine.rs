//! What a layer on tokens multiplies by: a fully connected layer, or a convolution of 1x1.

use burn::module::ParamId;
use burn::tensor::Tensor;

use super::{Conv2d, Linear};

/// A matrix and a bias.
pub trait Affine {
    /// The matrix, `[outputs, features]`.
    fn matrix(&self) -> Tensor<2>;

    /// The bias, `[outputs]`.
    fn shift(&self) -> Tensor<1>;

    /// The parameter that holds the matrix.
    fn matrix_id(&self) -> ParamId;
}

impl Affine for Linear {
    fn matrix(&self) -> Tensor<2> {
        self.weight.val()
    }

    fn shift(&self) -> Tensor<1> {
        self.bias.val()
    }

    fn matrix_id(&self) -> ParamId {
        self.weight.id
    }
}

/// A convolution of 1x1 with a bias, as some of timm's networks store these layers.
impl Affine for Conv2d {
    fn matrix(&self) -> Tensor<2> {
        let [outputs, channels, height, width] = self.weight.dims();
        assert_eq!([height, width], [1, 1], "a layer on tokens sees one pixel");
        self.weight.val().reshape([outputs, channels])
    }

    fn shift(&self) -> Tensor<1> {
        self.bias.as_ref().expect("a layer on tokens has a bias").val()
    }

    fn matrix_id(&self) -> ParamId {
        self.weight.id
    }
}
