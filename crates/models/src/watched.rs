//! What a class's logit owes to the places of a photo: the last layer that has places, and the
//! logit's gradient there.

use burn::tensor::{Device, Tensor, TensorData};
use kennel_kernels::in_micro_batches;

use crate::network::{Network, rows};
use crate::value::{FeatureTensor, Value};

/// The watched layer of one photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// The network's logits, those of [`Network::infer`] up to rounding.
    pub logits: Vec<f32>,
    /// The class whose logit was differentiated.
    pub class_index: usize,
    /// Places along a side of the photo.
    pub side: usize,
    /// Values of the layer, `[side * side, channels]`, places row by row.
    pub values: Vec<f32>,
    /// The logit's derivative by each of them.
    pub gradients: Vec<f32>,
}

impl Network {
    /// Computes logits, and the gradient of one logit of each photo in the last layer that has
    /// places: the feature map before pooling, or the tokens of the patches as the last block's
    /// attention reads them. `choose` gets a photo's place in the batch and its logits, and returns
    /// the class.
    ///
    /// The network must be in evaluation mode and off the autodiff tape. Layers below the watched
    /// one run as inference.
    ///
    /// # Shapes
    ///
    /// `pixels`: `[count, 3, side, side]`, f32, RGB, normalised.
    ///
    /// # Panics
    ///
    /// When `pixels` has another length, or `choose` returns no class of the network.
    pub fn watch_rows(
        &self,
        pixels: Vec<f32>,
        count: usize,
        side: usize,
        device: &Device,
        choose: impl Fn(usize, &[f32]) -> usize,
    ) -> Vec<Watched> {
        let data = TensorData::new(pixels, [count, 3, side, side]);
        let (logits, leaf) = self.watched_forward(Tensor::from_data(data, device));
        let (all, classes) = (rows(logits.clone()), logits.dims()[1]);
        let chosen: Vec<usize> =
            all.iter().enumerate().map(|(photo, row)| choose(photo, row)).collect();
        let mut mask = vec![0.0_f32; count * classes];
        for (row, &class) in mask.chunks_exact_mut(classes).zip(&chosen) {
            row[class] = 1.0;
        }
        let mask = Tensor::<2>::from_data(TensorData::new(mask, [count, classes]), device);
        // A photo's logits do not depend on the other photos, so one pass gives the gradients of
        // all.
        let gradients = (logits * mask).sum().backward();
        let gradients = match &leaf {
            Value::Map(map) => map.grad(&gradients).map(Value::Map),
            Value::Tokens(tokens) => tokens.grad(&gradients).map(Value::Tokens),
        };
        let gradients = gradients.expect("the logits depend on the watched layer");
        let (shape, values) = leaf.without_autodiff().into_records();
        let (_, gradients) = gradients.into_records();
        let record: usize = shape.iter().product();
        let others = self.backbone().other_tokens();
        let (side, skipped) = match shape[..] {
            [height, _, _] => (height, 0),
            [tokens, channels] => ((tokens - others).isqrt(), others * channels),
            _ => unreachable!("a layer has places and channels"),
        };
        let of_photo =
            |values: &[f32], photo: usize| values[photo * record..][..record][skipped..].to_vec();
        let photos = all.into_iter().zip(chosen).enumerate();
        photos
            .map(|(photo, (logits, class_index))| Watched {
                logits,
                class_index,
                side,
                values: of_photo(&values, photo),
                gradients: of_photo(&gradients, photo),
            })
            .collect()
    }

    /// Computes logits. Returns them with the watched layer, a leaf of the autodiff tape.
    fn watched_forward(&self, pixels: Tensor<4>) -> (Tensor<2>, FeatureTensor) {
        let stage = self.backbone().explained_stage();
        let below = in_micro_batches(pixels, self.architecture().micro_batch, |pixels| {
            self.forward_stages(Value::Map(pixels), 0..stage)
        });
        let mut leaf = None;
        let above = self.backbone().compute_explained(below, &mut |value| {
            let value = value.tracked();
            leaf = Some(value.clone());
            value
        });
        let last = self.forward_stages(above, stage + 1..self.head_stage());
        let logits = self.classify(self.pre_logits(last));
        (logits, leaf.expect("the watched layer is computed"))
    }
}
