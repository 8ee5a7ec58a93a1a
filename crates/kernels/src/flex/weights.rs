//! Packed weights of layers without normalisation, kept between the calls of inference.
//!
//! A micro-batch of one photo has so few tokens that packing the weights again would cost a tenth
//! of the product.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn_flex::FlexTensor;

/// Packed weights by the address of the weight. An entry lives for as long as its weight is in use
/// elsewhere: every miss removes the others.
pub struct PackedWeights<T>(Mutex<BTreeMap<usize, Entry<T>>>);

struct Entry<T> {
    /// Kept alive so that its memory is neither changed nor reused: an equal address then means
    /// equal values.
    weight: FlexTensor,
    packed: Arc<T>,
}

impl<T> PackedWeights<T> {
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Entry<T>>> {
        // No code between locking and unlocking can leave it half-changed, so ignore poisoning.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the packed weight, from the table if it is there and `fits`.
    pub fn get(
        &self,
        weight: &FlexTensor,
        fits: impl Fn(&T) -> bool,
        pack: impl FnOnce() -> T,
    ) -> Arc<T> {
        let address = address(weight);
        if let Some(entry) = self.lock().get(&address)
            && entry.weight.layout() == weight.layout()
            && fits(&entry.packed)
        {
            return Arc::clone(&entry.packed);
        }
        let packed = Arc::new(pack());
        let mut entries = self.lock();
        entries.retain(|_, entry| !entry.weight.is_unique());
        entries.insert(address, Entry { weight: weight.clone(), packed: Arc::clone(&packed) });
        packed
    }

    /// Forgets a weight that is about to be trained, and all that are no longer in use. The
    /// optimiser then finds it unshared and changes it in place.
    pub fn forget(&self, weight: &FlexTensor) {
        let address = address(weight);
        self.lock().retain(|&at, entry| at != address && !entry.weight.is_unique());
    }
}

fn address(weight: &FlexTensor) -> usize {
    weight.bytes().as_ptr() as usize + weight.layout().start_offset() * size_of::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flex::nhwc;

    #[test]
    fn weights_are_kept_for_as_long_as_they_are_in_use() {
        let table = PackedWeights::new();
        let get = |weight: &FlexTensor| table.get(weight, |_| true, || nhwc::values(weight)[0]);
        let (a, b) = (nhwc::vector(&[1.0; 6]), nhwc::vector(&[2.0; 6]));
        let first = get(&a);
        assert!(Arc::ptr_eq(&first, &get(&a)));
        assert_eq!((*first, *get(&b)), (1.0, 2.0));
        assert_eq!(table.lock().len(), 2);
        drop(a);
        get(&nhwc::vector(&[3.0; 6]));
        // The miss has removed `a`.
        assert_eq!(table.lock().len(), 2);
        table.forget(&b);
        assert_eq!(table.lock().len(), 0);
        assert!(b.is_unique());
    }
}
