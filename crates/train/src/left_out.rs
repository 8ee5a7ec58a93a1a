//! How many photos of a class are refused when it is left out.

use kennel_core::{Split, Task};
use kennel_data::Dataset;
use kennel_metrics::{LeftOutClass, Proportion};
use kennel_unknown::{Moments, Unknown};

use crate::Result;

/// Most classes that are left out in turn: each takes as long as the fit to all.
const MOST_CLASSES: usize = 20;
/// Most features. Time and memory of a fit grow with their square.
const MOST_FEATURES: usize = 1024;

/// The training photos of each class, as far as they have come.
pub struct ByClass<'a> {
    data: &'a Dataset,
    count: usize,
    of_class: Vec<Option<Moments>>,
}

impl<'a> ByClass<'a> {
    pub fn new(data: &'a Dataset) -> Self {
        ByClass { data, count: 0, of_class: vec![None; data.classes().len()] }
    }

    /// Adds the next training photos, which `all` has already. Adds nothing if there are too many
    /// classes or features.
    pub fn push(&mut self, rows: &[f32], all: &Moments) {
        if self.of_class.len() > MOST_CLASSES || all.width() > MOST_FEATURES {
            return;
        }
        let photos = &self.data.photos(Split::Train)[self.count..];
        for (row, photo) in rows.chunks_exact(all.width()).zip(photos) {
            self.of_class[photo.class_index].get_or_insert_with(|| all.part()).push(row);
            self.count += 1;
        }
    }

    /// Fits to the training photos of all classes but one, takes the threshold from the validation
    /// photos of the same classes, and counts the validation photos of that one which are refused;
    /// for every class in turn. Leaves out classes without validation photos, and those without
    /// which there are too few.
    ///
    /// # Errors
    ///
    /// A task that is stopped.
    pub fn refused(
        &self,
        all: &Moments,
        val: &[f32],
        share: f64,
        task: Task<'_>,
    ) -> Result<Vec<LeftOutClass>> {
        let photos = self.data.photos(Split::Val);
        let rows_of = |class: usize, is_in: bool| -> Vec<&[f32]> {
            let rows = val.chunks_exact(all.width()).zip(photos.iter());
            let rows = rows.filter(|(_, photo)| (photo.class_index == class) == is_in);
            rows.map(|(row, _)| row).collect()
        };
        let of = |(class, of_class): (usize, &Option<Moments>)| {
            let others = all.without(of_class.as_ref()?);
            let unknown = Unknown::fit(&others, &rows_of(class, false).concat(), share).ok()?;
            let rows = rows_of(class, true);
            let is_refused = |row: &&&[f32]| unknown.refuses(unknown.known.score(row));
            let refused = rows.iter().filter(is_refused).count();
            let name = self.data.classes()[class].clone();
            (!rows.is_empty())
                .then(|| LeftOutClass { name, refused: Proportion::new(refused, rows.len()) })
        };
        let mut found = Vec::new();
        for class in self.of_class.iter().enumerate() {
            task.check()?;
            found.extend(of(class));
        }
        Ok(found)
    }
}
