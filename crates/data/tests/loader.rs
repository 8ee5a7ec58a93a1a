//! Batches: the same pixels at every number of threads, in order, and errors by name.

mod common;

use std::sync::Arc;

use common::photo;
use kennel_core::{Augmentation, AugmentationSet, Interpolation, Preprocessing, Split, Task};
use kennel_data::{
    Batch, Dataset, DatasetPhoto, Fractions, Loader, LoaderOptions, PhotoCache, PrepareOptions,
    Transform, shuffled,
};

fn dataset() -> (tempfile::TempDir, Dataset) {
    let dir = tempfile::tempdir().unwrap();
    for (class, name) in ["a", "b", "c"].iter().enumerate() {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        for i in 0..7 {
            let salt = 10 * class as u32 + i;
            photo(70 + salt, 90 - salt, salt)
                .save(dir.path().join(format!("{name}/{i}.png")))
                .unwrap();
        }
    }
    let options = PrepareOptions {
        min_side_px: 1,
        fractions: Fractions { train: 1.0, val: 0.0 },
        ..PrepareOptions::default()
    };
    let dataset = Dataset::open_with(dir.path(), &options, Task::unwatched()).unwrap();
    (dir, dataset)
}

fn preprocessing() -> Preprocessing {
    Preprocessing::imagenet(24, 0.9, Interpolation::Bicubic)
}

fn train(view: u64) -> Transform {
    let augmentation =
        Augmentation { hue: 0.1, erasing: 0.3, ..AugmentationSet::Light.augmentation() };
    Transform::Train { augmentation, preprocessing: preprocessing(), seed: 42, view }
}

fn batches(
    photos: &Arc<[DatasetPhoto]>,
    transform: Transform,
    threads: usize,
    cache_bytes: u64,
) -> Vec<Batch> {
    let options =
        LoaderOptions { threads, prefetch: 3, cache: Arc::new(PhotoCache::new(cache_bytes)) };
    let order = shuffled(photos.len(), 42, 0);
    Loader::new(photos, order, transform, 4, &options).map(Result::unwrap).collect()
}

#[test]
fn no_number_of_threads_and_no_cache_changes_a_pixel() {
    let (_dir, dataset) = dataset();
    let photos = dataset.photos(Split::Train);
    for transform in [Transform::Eval(preprocessing()), train(0), train(1)] {
        let one = batches(photos, transform.clone(), 1, 0);
        assert_eq!(one.iter().map(Batch::len).collect::<Vec<_>>(), [4, 4, 4, 4, 4, 1]);
        for (threads, cache_bytes) in [(1, 1 << 20), (2, 0), (2, 50_000), (5, 1 << 20)] {
            assert_eq!(
                batches(photos, transform.clone(), threads, cache_bytes),
                one,
                "{threads} threads"
            );
        }
    }
    assert_ne!(batches(photos, train(0), 2, 0), batches(photos, train(1), 2, 0));
}

#[test]
fn a_batch_knows_its_photos_and_a_photo_is_the_same_in_any_batch() {
    let (_dir, dataset) = dataset();
    let photos = dataset.photos(Split::Train);
    let order = shuffled(photos.len(), 42, 0);
    let all = batches(photos, train(5), 2, 0);
    let found: Vec<usize> = all.iter().flat_map(|batch| batch.photos.clone()).collect();
    assert_eq!(found, order.iter().map(|&at| photos[at].index).collect::<Vec<_>>());
    let labels: Vec<usize> = all.iter().flat_map(|batch| batch.labels.clone()).collect();
    assert_eq!(labels, order.iter().map(|&at| photos[at].class_index).collect::<Vec<_>>());
    let alone = Loader::new(photos, vec![order[6]], train(5), 1, &LoaderOptions::default());
    let alone = alone.map(Result::unwrap).next().unwrap();
    let size = 3 * 24 * 24;
    assert_eq!(alone.pixels, all[1].pixels[2 * size..3 * size]);
}

#[test]
fn a_photo_that_vanished_is_an_error_that_names_it_and_the_rest_goes_on() {
    let (dir, dataset) = dataset();
    std::fs::remove_file(dir.path().join("b/3.png")).unwrap();
    let photos = dataset.photos(Split::Train);
    let order = (0..photos.len()).collect();
    let results: Vec<_> =
        Loader::new(photos, order, Transform::Eval(preprocessing()), 4, &LoaderOptions::default())
            .collect();
    assert_eq!(results.len(), 6);
    let errors: Vec<String> =
        results.iter().filter_map(|r| r.as_ref().err().map(ToString::to_string)).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("b/3.png"), "{errors:?}");
}

#[test]
fn a_loader_that_is_dropped_early_stops_its_threads() {
    let (_dir, dataset) = dataset();
    let photos = dataset.photos(Split::Train);
    for taken in 0..3 {
        let order = (0..photos.len()).cycle().take(2000).collect();
        let mut loader = Loader::new(photos, order, train(0), 4, &LoaderOptions::default());
        assert_eq!(loader.len(), 500);
        for _ in 0..taken {
            loader.next().unwrap().unwrap();
        }
    }
    assert_eq!(Loader::new(photos, Vec::new(), train(0), 4, &LoaderOptions::default()).count(), 0);
}
