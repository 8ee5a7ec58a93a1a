//! A convolution with its normalisation folded into its weights, cached between calls.

use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, Flex};
use burn_flex::FlexTensor;

use super::batch_norm::{NormConstants, Normalisation};
use super::channels::Passes;
use super::conv::{Geometry, Packed};
use super::meter::count_multiply_adds;
use super::nhwc::{self, ChannelsLast};
use super::pointwise::{Pointwise, with_activation};
use super::simd::vectorised;
use crate::types::{Activation, ConvSpec};

/// Cache for the folded weights of one layer. A request with other weights replaces the entry;
/// clones share it.
#[derive(Clone, Debug, Default)]
pub struct FoldCache(Arc<Mutex<Option<Arc<Folded>>>>);

/// What is added to the normalised output before the activation.
#[derive(ExtensionType)]
pub enum Shortcut<B: Backend> {
    None,
    Add(FloatTensor<B>),
}

#[derive(Debug)]
struct Folded {
    /// Kept alive so that their memory is neither changed nor reused: an equal address then means
    /// equal values.
    weight: FlexTensor,
    norm: NormConstants<Flex>,
    packed: Packed,
    shift: Vec<f32>,
}

impl FoldCache {
    fn folded(&self, weight: FlexTensor, norm: NormConstants<Flex>, g: &Geometry) -> Arc<Folded> {
        // No code between locking and unlocking can leave it half-changed, so ignore poisoning.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().as_ref().filter(|kept| kept.is_of(&weight, &norm, g)) {
            return Arc::clone(kept);
        }
        let folded = Arc::new(Folded::new(weight, norm, g));
        *lock() = Some(Arc::clone(&folded));
        folded
    }
}

impl Folded {
    fn new(weight: FlexTensor, norm: NormConstants<Flex>, g: &Geometry) -> Self {
        let normalisation = Normalisation::given(&norm);
        let values = nhwc::values(&weight);
        let per_output = values.len() / normalisation.scale().len();
        let scaled: Vec<f32> = values
            .chunks_exact(per_output)
            .zip(normalisation.scale())
            .flat_map(|(w, scale)| w.iter().map(move |w| w * scale))
            .collect();
        let packed = Packed::for_inference(&scaled, g);
        let shift = normalisation.shift().to_vec();
        Self { packed, shift, weight, norm }
    }

    fn is_of(&self, weight: &FlexTensor, norm: &NormConstants<Flex>, g: &Geometry) -> bool {
        let same = |a: &FlexTensor, b: &FlexTensor| {
            a.layout() == b.layout() && a.bytes().as_ptr() == b.bytes().as_ptr()
        };
        let (own, other) = (&self.norm, norm);
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
    spec: ConvSpec,
    norm: NormConstants<Flex>,
    shortcut: Shortcut<Flex>,
    activation: Activation,
    cache: &FoldCache,
) -> FlexTensor {
    let g = &Geometry::new(x.dims(), &weight, spec);
    count_multiply_adds(g.multiply_adds());
    let folded = cache.folded(weight, norm, g);
    let channels = folded.shift.len();
    let passes = Passes::new(channels);
    let shift = passes.spread(folded.shift.iter().copied());
    let y = match shortcut {
        Shortcut::None => {
            with_activation!(activation, A => folded.packed.convolve(x.values(), g, |_, y: &mut [f32]| {
                vectorised(#[inline(always)] || {
                    for y in y.chunks_mut(passes.span) {
                        for (y, b) in y.iter_mut().zip(&shift) {
                            *y = A::value(*y + b);
                        }
                    }
                });
            }))
        }
        Shortcut::Add(shortcut) => {
            let shortcut = ChannelsLast::new(shortcut);
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
