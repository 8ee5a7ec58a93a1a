//! Stanford Dogs: 20,580 photos of 120 breeds in one tar of 757 MiB. Only the chosen breeds are
//! written.

use std::path::Path;

use kennel_core::{Task, files};

use crate::client::Client;
use crate::download::Outcome;
use crate::error::{FetchError, Result};
use crate::stream_tar::{TarSource, stream_tar};

/// Address of the tar at the data set's authors.
pub const URL: &str = "http://vision.stanford.edu/aditya86/ImageNetDogs/images.tar";
/// Size of the tar in bytes.
pub const SIZE_BYTES: u64 = 793_579_520;
/// SHA-256 of the tar, as listed by TensorFlow Datasets (`url_checksums/stanford_dogs.txt`).
pub const SHA256: &str = "a443fc2f9a851aa1a7b8e4fa4af94b8459fce2c9f5a2f4dd4669cf9673a4ec58";

/// The five breeds of the published experiments, with the number of photos of each.
pub const FIVE: [(&str, usize); 5] = [
    ("n02088364", 195),
    ("n02108089", 151),
    ("n02106662", 152),
    ("n02099601", 150),
    ("n02113624", 151),
];
/// [`digest_of_tree`] of their 799 photos.
pub const FIVE_DIGEST: &str = "0e1ae9903b0c7717d0d69828ec3e8be730effd7475a9c153c1c0bb2e961dee2c";

/// Limit on the bytes received from any address.
const MAX_BYTES: u64 = 2 << 30;

/// Which breeds to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breeds {
    /// [`FIVE`].
    Five,
    /// All 120.
    All,
}

/// Where to fetch the photos from, and what they must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Address of `images.tar`.
    pub url: String,
    /// Size of the tar in bytes, if it must be the authors'.
    pub size: Option<u64>,
    /// SHA-256 of the tar, if it must be the authors'.
    pub sha256: Option<String>,
    /// Required number of photos.
    pub photos: Option<usize>,
    /// Required [`digest_of_tree`] of the photos.
    pub tree_digest: Option<String>,
}

impl Source {
    /// The authors' server, with everything known about its file.
    pub fn stanford(breeds: Breeds) -> Self {
        let size = Some(SIZE_BYTES);
        Self { size, sha256: Some(SHA256.into()), ..Self::mirror(URL, breeds) }
    }

    /// Another address. For the five breeds, a different tar with the same photos is accepted. For
    /// all breeds it must be the authors' tar: no other check covers those photos.
    pub fn mirror(url: &str, breeds: Breeds) -> Self {
        let url = url.into();
        match breeds {
            Breeds::Five => Self {
                url,
                size: None,
                sha256: None,
                photos: Some(FIVE.iter().map(|(_, photos)| photos).sum()),
                tree_digest: Some(FIVE_DIGEST.into()),
            },
            Breeds::All => Self {
                url,
                size: Some(SIZE_BYTES),
                sha256: Some(SHA256.into()),
                photos: Some(20_580),
                tree_digest: None,
            },
        }
    }
}

/// Writes the photos of `breeds` to `<into>/Images/<synset>-<breed>/`, unless they are already
/// there. Downloads the whole tar, which is ordered by breed, but writes only those photos to disk.
///
/// # Errors
///
/// [`FetchError::OtherPhotos`] when breeds or photos are missing or differ; otherwise as
/// [`stream_tar`](crate::stream_tar()).
pub fn fetch(
    client: &Client,
    source: &Source,
    breeds: Breeds,
    into: &Path,
    task: Task<'_>,
) -> Result<Outcome> {
    let keep = |path: &Path| is_wanted(path, breeds);
    // The checked folder has a temporary name until it is verified, so errors name `into`.
    let check = |tree: &Path| check_tree(tree, into, source, breeds);
    let tar = TarSource {
        url: &source.url,
        size: source.size,
        sha256: source.sha256.as_deref(),
        max_bytes: MAX_BYTES,
        keep: &keep,
        choice: match breeds {
            Breeds::Five => "five breeds",
            Breeds::All => "all breeds",
        },
        check: &check,
    };
    let outcome = stream_tar(client, &tar, into, task)?.outcome;
    if outcome == Outcome::AlreadyThere {
        check(into)?;
    }
    Ok(outcome)
}

/// SHA-256 over one line `<sha256>  <synset>/<file name>` per file, sorted by synset and name.
/// Equal photos give an equal digest, wherever they lie and whatever follows the synset in the
/// names of their folders (`n02088364-beagle`).
///
/// # Errors
///
/// When a file cannot be read.
pub fn digest_of_tree(folder: &Path) -> Result<String> {
    let mut lines = Vec::new();
    for (path, file) in photos_of(folder)? {
        lines.push((path, files::sha256_file(&file)?));
    }
    lines.sort();
    let text: String = lines.iter().map(|(path, sha256)| format!("{sha256}  {path}\n")).collect();
    Ok(files::sha256_bytes(text.as_bytes()))
}

/// Lists `<synset>/<file name>` and the path of every file below a folder.
fn photos_of(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>> {
    let mut photos = Vec::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.map_err(|error| FetchError::io("read", folder)(error.into()))?;
        if entry.file_type().is_file() {
            let breed = entry.path().parent().and_then(Path::file_name).unwrap_or_default();
            let breed = breed.to_string_lossy();
            let synset = breed.split('-').next().unwrap_or_default();
            photos.push((
                format!("{synset}/{}", entry.file_name().to_string_lossy()),
                entry.into_path(),
            ));
        }
    }
    Ok(photos)
}

fn check_tree(tree: &Path, named: &Path, source: &Source, breeds: Breeds) -> Result<()> {
    let (what, count) = match breeds {
        Breeds::Five => ("the five breeds of Stanford Dogs", FIVE.len()),
        Breeds::All => ("Stanford Dogs", 120),
    };
    let other = |found: String| Err(FetchError::OtherPhotos { path: named.into(), what, found });
    let photos = photos_of(tree)?;
    let mut folders: Vec<&str> =
        photos.iter().filter_map(|(path, _)| path.split('/').next()).collect();
    folders.sort_unstable();
    folders.dedup();
    if folders.len() != count {
        return other(format!("it has {} breeds, not {count}", folders.len()));
    }
    if let Some(expected) = source.photos.filter(|&expected| expected != photos.len()) {
        return other(format!("it has {} photos, not {expected}", photos.len()));
    }
    if let Some(expected) = &source.tree_digest {
        let found = digest_of_tree(tree)?;
        if found != *expected {
            return other(format!("the digest of its photos is {found}, not {expected}"));
        }
    }
    Ok(())
}

/// Whether a path in the tar, such as `Images/n02088364-beagle/n02088364_10108.jpg`, is a photo of
/// the chosen breeds.
fn is_wanted(path: &Path, breeds: Breeds) -> bool {
    let path = files::with_slashes(path).to_lowercase();
    let [images, folder, photo] = path.split('/').collect::<Vec<_>>()[..] else { return false };
    let synset = folder.split('-').next().unwrap_or_default();
    images == "images"
        && photo.ends_with(".jpg")
        && !photo.starts_with('.')
        && match breeds {
            Breeds::Five => FIVE.iter().any(|(known, _)| *known == synset),
            Breeds::All => synset.len() == 9 && synset.starts_with('n'),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wanted_breeds_are_told_by_their_synsets() {
        let five = |path| is_wanted(Path::new(path), Breeds::Five);
        assert!(five("Images/n02113624-toy_poodle/n02113624_1.jpg"));
        assert!(five("images/n02113624-toy_poodle/n02113624_1.JPG"));
        for other in [
            "Images/n02113799-standard_poodle/n02113799_1.jpg",
            "Annotation/n02113624-toy_poodle/n02113624_1.jpg",
            "Images/n02113624-toy_poodle/._n02113624_1.jpg",
            "Images/n02113624-toy_poodle/deeper/n02113624_1.jpg",
            "n02113624-toy_poodle/n02113624_1.jpg",
        ] {
            assert!(!five(other), "{other}");
        }
        assert!(is_wanted(Path::new("Images/n02113799-standard_poodle/1.jpg"), Breeds::All));
    }

    #[test]
    fn the_digest_does_not_depend_on_what_the_folders_are_called() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["a/Images/n02088364-beagle", "b/n02088364"] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
            std::fs::write(dir.path().join(folder).join("2.jpg"), "abc").unwrap();
            std::fs::write(dir.path().join(folder).join("1.jpg"), "abc").unwrap();
        }
        let line = |name: &str| format!("{}  n02088364/{name}\n", files::sha256_bytes(b"abc"));
        let expected =
            files::sha256_bytes(format!("{}{}", line("1.jpg"), line("2.jpg")).as_bytes());
        for folder in ["a", "b"] {
            assert_eq!(digest_of_tree(&dir.path().join(folder)).unwrap(), expected);
        }
    }
}
