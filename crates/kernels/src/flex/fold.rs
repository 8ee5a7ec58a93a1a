//! A convolution with its normalisation folded into its weights, cached between calls.

use std::sync::{Arc, Mutex, PoisonError};

use burn_flex::FlexTensor;

use super::batch_norm::Normalisation;
use super::channels::Passes;
use super::conv::{Geometry, Packed};
use super::nhwc::{self, ChannelsLast};
use super::pointwise::{Pointwise, with_activation};
use super::simd::vectorised;
use crate::work::count_multiply_adds;
use crate::{Activation, ConvSpec};

/// Cache for the folded weights of one layer. A request with other weights replaces the entry;
/// clones share it.
#[derive(Clone, Debug, Default)]
pub struct FoldCache(Arc<Mutex<Option<Arc<Folded>>>>);

/// Scale, shift, mean and variance of a normalisation, each `[channels]`, and the number added to
/// the variance.
#[derive(Clone, Debug)]
pub struct Constants {
    pub weight: FlexTensor,
    pub bias: FlexTensor,
    pub mean: FlexTensor,
    pub variance: FlexTensor,
    pub eps: f64,
}

#[derive(Debug)]
struct Folded {
    /// Kept alive so that their memory is neither changed nor reused: an equal address then means
    /// equal values.
    weight: FlexTensor,
    constants: Constants,
    packed: Packed,
    shift: Vec<f32>,
}

impl FoldCache {
    fn folded(&self, weight: FlexTensor, constants: Constants, g: &Geometry) -> Arc<Folded> {
        // No code between locking and unlocking can leave it half-changed, so ignore poisoning.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().as_ref().filter(|kept| kept.is_of(&weight, &constants, g)) {
            return Arc::clone(kept);
        }
        let folded = Arc::new(Folded::new(weight, constants, g));
        *lock() = Some(Arc::clone(&folded));
        folded
    }
}

impl Folded {
    fn new(weight: FlexTensor, constants: Constants, g: &Geometry) -> Self {
        let Constants { weight: scale, bias, mean, variance, eps } = &constants;
        let normalisation = Normalisation::given(mean, variance, scale, bias, *eps);
        let values = nhwc::values(&weight);
        let per_output = values.len() / normalisation.scale().len();
        let scaled: Vec<f32> = values
            .chunks_exact(per_output)
            .zip(normalisation.scale())
            .flat_map(|(w, scale)| w.iter().map(move |w| w * scale))
            .collect();
        let packed = Packed::for_inference(&scaled, g);
        let shift = normalisation.shift().to_vec();
        Self { packed, shift, weight, constants }
    }

    fn is_of(&self, weight: &FlexTensor, constants: &Constants, g: &Geometry) -> bool {
        let same = |a: &FlexTensor, b: &FlexTensor| {
            a.layout() == b.layout() && a.bytes().as_ptr() == b.bytes().as_ptr()
        };
        let (own, other) = (&self.constants, constants);
        same(&self.weight, weight)
            && same(&own.weight, &other.weight)
            && same(&own.bias, &other.bias)
            && same(&own.mean, &other.mean)
            && same(&own.variance, &other.variance)
            && own.eps == other.eps
            && self.packed.fits(g)
    }
}

/// Computes `activation(norm(conv(x)) + shortcut)`. Adds shift and shortcut and activates piece by
/// piece, while the output of the convolution is in cache.
pub fn forward(
    x: &ChannelsLast,
    weight: FlexTensor,
    constants: Constants,
    spec: ConvSpec,
    shortcut: Option<ChannelsLast>,
    activation: Activation,
    cache: &FoldCache,
) -> FlexTensor {
    let g = &Geometry::new(x.dims(), &weight, spec);
    count_multiply_adds(g.multiply_adds());
    let folded = cache.folded(weight, constants, g);
    let channels = folded.shift.len();
    let passes = Passes::new(channels);
    let shift = passes.spread(folded.shift.iter().copied());
    let y = match shortcut {
        None => with_activation!(activation, A => folded.packed.convolve(x.values(), g, |_, y: &mut [f32]| {
            vectorised(#[inline(always)] || {
                for y in y.chunks_mut(passes.span) {
                    for (y, b) in y.iter_mut().zip(&shift) {
                        *y = A::value(*y + b);
                    }
                }
            });
        })),
        Some(shortcut) => {
            assert_eq!(g.output(), shortcut.dims(), "a shortcut of the convolution's output");
            let shortcut = shortcut.values();
            with_activation!(activation, A => folded.packed.convolve(x.values(), g, |pixel, y: &mut [f32]| {
                let shortcut = &shortcut[pixel * channels..][..y.len()];
                vectorised(#[inline(always)] || {
                    for (y, s) in y.chunks_mut(passes.span).zip(shortcut.chunks(passes.span)) {
                        for ((y, s), b) in y.iter_mut().zip(s).zip(&shift) {
                            *y = A::value(*y + b + s);
                        }
                    }
                });
            }))
        }
    };
    nhwc::tensor(y, g.output())
}
