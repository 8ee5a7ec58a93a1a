//! Mixing of training photos and their labels: MixUp, CutMix, and when they are used.

/// MixUp and CutMix of a run, as timm's `Mixup` in batch mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixing {
    /// Both parameters of the beta distribution of MixUp's shares; 0 for no MixUp.
    pub mixup: f64,
    /// The same for CutMix.
    pub cutmix: f64,
    /// Probability that a batch is mixed.
    pub prob: f64,
    /// Probability that a mixed batch gets CutMix, where there are both.
    pub switch_prob: f64,
    /// Number of epochs after which nothing is mixed any more; 0 for never.
    pub off_epoch: usize,
}

impl Mixing {
    /// Whether an epoch, counted from 0, mixes photos.
    pub fn is_on(&self, epoch: usize) -> bool {
        self.off_epoch == 0 || epoch < self.off_epoch
    }
}

/// timm's probability that a batch is mixed.
pub(super) const fn default_prob() -> f64 {
    1.0
}

/// timm's probability of CutMix in place of MixUp.
pub(super) const fn default_switch() -> f64 {
    0.5
}

pub(super) fn is_off(alpha: &f64) -> bool {
    *alpha == 0.0
}

pub(super) fn is_default_prob(prob: &f64) -> bool {
    *prob == default_prob()
}

pub(super) fn is_default_switch(prob: &f64) -> bool {
    *prob == default_switch()
}

pub(super) fn is_never(epoch: &usize) -> bool {
    *epoch == 0
}
