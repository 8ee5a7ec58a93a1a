//! Values between the stages of a network.

use burn::tensor::{Device, Tensor, TensorData};
use kennel_kernels::Batch;

use crate::layers::Ops;

/// A value between two stages: a feature map or tokens.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<M, T> {
    /// A feature map, `[batch, channels, height, width]`.
    Map(M),
    /// Tokens, `[batch, tokens, channels]`.
    Tokens(T),
}

/// A value of the operations `O`.
pub type ValueOf<O> = Value<<O as Ops>::Map, <O as Ops>::Tokens>;

/// A computed value.
pub type FeatureTensor = Value<Tensor<4>, Tensor<3>>;

impl<M, T> Value<M, T> {
    /// Returns the feature map.
    ///
    /// # Panics
    ///
    /// When they are tokens: the family has mixed up its stages.
    pub fn into_map(self) -> M {
        match self {
            Value::Map(map) => map,
            Value::Tokens(_) => panic!("the stage takes a feature map and got tokens"),
        }
    }

    /// Returns the tokens.
    ///
    /// # Panics
    ///
    /// When it is a feature map: the family has mixed up its stages.
    pub fn into_tokens(self) -> T {
        match self {
            Value::Tokens(tokens) => tokens,
            Value::Map(_) => panic!("the stage takes tokens and got a feature map"),
        }
    }
}

impl FeatureTensor {
    /// Makes it a leaf of the autodiff tape.
    pub(crate) fn tracked(self) -> Self {
        match self {
            Value::Map(map) => Value::Map(map.autodiff().require_grad()),
            Value::Tokens(tokens) => Value::Tokens(tokens.autodiff().require_grad()),
        }
    }

    /// Takes it off the autodiff tape.
    pub(crate) fn without_autodiff(self) -> Self {
        match self {
            Value::Map(map) => Value::Map(map.without_autodiff()),
            Value::Tokens(tokens) => Value::Tokens(tokens.without_autodiff()),
        }
    }

    /// Copies the values out, photo by photo, channels last. Returns them with the shape of one
    /// photo: `[height, width, channels]` or `[tokens, channels]`.
    pub fn into_records(self) -> (Vec<usize>, Vec<f32>) {
        let (shape, data) = match self {
            Value::Map(map) => {
                let [_, channels, height, width] = map.dims();
                (vec![height, width, channels], map.permute([0, 2, 3, 1]).into_data())
            }
            Value::Tokens(tokens) => (tokens.dims()[1..].to_vec(), tokens.into_data()),
        };
        (shape, data.try_into_vec().expect("features are f32"))
    }

    /// The inverse of [`FeatureTensor::into_records`], for `photos` photos.
    ///
    /// # Panics
    ///
    /// When `values` has another length, or `shape` neither two nor three axes.
    pub fn from_records(shape: &[usize], photos: usize, values: Vec<f32>, device: &Device) -> Self {
        match *shape {
            [height, width, channels] => {
                let data = TensorData::new(values, [photos, height, width, channels]);
                Value::Map(Tensor::<4>::from_data(data, device).permute([0, 3, 1, 2]))
            }
            [tokens, channels] => {
                let data = TensorData::new(values, [photos, tokens, channels]);
                Value::Tokens(Tensor::from_data(data, device))
            }
            _ => panic!("features have two or three axes, not {shape:?}"),
        }
    }
}

impl Batch for FeatureTensor {
    fn photos(&self) -> usize {
        match self {
            Value::Map(map) => map.photos(),
            Value::Tokens(tokens) => tokens.photos(),
        }
    }

    fn is_plain_on_cpu(&self) -> bool {
        match self {
            Value::Map(map) => map.is_plain_on_cpu(),
            Value::Tokens(tokens) => tokens.is_plain_on_cpu(),
        }
    }

    fn into_parts(self, photos: usize) -> Vec<Self> {
        match self {
            Value::Map(map) => map.into_parts(photos).into_iter().map(Value::Map).collect(),
            Value::Tokens(tokens) => {
                tokens.into_parts(photos).into_iter().map(Value::Tokens).collect()
            }
        }
    }

    fn join(parts: Vec<Self>) -> Self {
        if matches!(parts.first(), Some(Value::Tokens(_))) {
            return Value::Tokens(Batch::join(parts.into_iter().map(Value::into_tokens).collect()));
        }
        Value::Map(Batch::join(parts.into_iter().map(Value::into_map).collect()))
    }
}
