//! Stanford Dogs: 20,580 photos of 120 breeds in one tar of 757 MiB, of which only the wanted breeds are written.

use std::path::Path;

use kennel_core::files;

use crate::client::{Client, Watch};
use crate::download::Outcome;
use crate::error::{FetchError, Result};
use crate::stream_tar::{TarSource, stream_tar};

/// Where the data set's authors have it.
pub const URL: &str = "http://vision.stanford.edu/aditya86/ImageNetDogs/images.tar";
/// Its bytes.
pub const SIZE_BYTES: u64 = 793_579_520;
/// Its SHA-256, as TensorFlow Datasets states it (`url_checksums/stanford_dogs.txt`).
pub const SHA256: &str = "a443fc2f9a851aa1a7b8e4fa4af94b8459fce2c9f5a2f4dd4669cf9673a4ec58";

/// The five breeds of the published experiments, and how many photos each has.
pub const FIVE: [(&str, usize); 5] =
    [("n02088364", 195), ("n02108089", 151), ("n02106662", 152), ("n02099601", 150), ("n02113624", 151)];
/// [`digest_of_tree`] of their 799 photos.
pub const FIVE_DIGEST: &str = "0e1ae9903b0c7717d0d69828ec3e8be730effd7475a9c153c1c0bb2e961dee2c";

/// The most that is received from any address.
const MAX_BYTES: u64 = 2 << 30;

/// Which breeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breeds {
    /// [`FIVE`].
    Five,
    /// All 120.
    All,
}

/// Where the photos come from, and what they must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The address of `images.tar`.
    pub url: String,
    /// The tar's bytes.
    pub size: Option<u64>,
    /// The tar's SHA-256.
    pub sha256: Option<String>,
    /// How many photos there must be.
    pub photos: Option<usize>,
    /// [`digest_of_tree`] of them.
    pub tree_digest: Option<String>,
}

impl Source {
    /// The authors' server, and all that is known of its file.
    pub fn stanford(breeds: Breeds) -> Self {
        let size = Some(SIZE_BYTES);
        Self { size, sha256: Some(SHA256.into()), ..Self::mirror(URL, breeds) }
    }

    /// Another address. For the five breeds its tar may be another one with the same photos in it; for all of them it has to be the
    /// authors', since nothing else says that the photos are theirs.
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

/// Writes the photos of `breeds` to `<into>/Images/<synset>-<breed>/`, unless that is there. Nothing but those photos touches the
/// disk; the whole tar goes over the line, whose order is that of the breeds.
///
/// # Errors
///
/// [`FetchError::OtherPhotos`] when breeds or photos are missing, or are others; as [`stream_tar`](crate::stream_tar()) otherwise.
pub fn fetch(
    client: &Client,
    source: &Source,
    breeds: Breeds,
    into: &Path,
    watch: Watch<'_>,
) -> Result<Outcome> {
    let keep = |path: &Path| is_wanted(path, breeds);
    // The folder that is checked has a name of its own until it is right.
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
    let outcome = stream_tar(client, &tar, into, watch)?.outcome;
    if outcome == Outcome::AlreadyThere {
        check(into)?;
    }
    Ok(outcome)
}

/// SHA-256 over a line `<sha256>  <synset>/<file name>` for every file, sorted by synset and name: the same for the same
/// photos, however the folders of their breeds are called after the synset (`n02088364-beagle`), and wherever they lie.
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

/// `<synset>/<file name>` of every file below a folder, and where it is.
fn photos_of(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>> {
    let mut photos = Vec::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.map_err(|error| FetchError::io("read", folder)(error.into()))?;
        if entry.file_type().is_file() {
            let breed = entry.path().parent().and_then(Path::file_name).unwrap_or_default();
            let breed = breed.to_string_lossy();
            let synset = breed.split('-').next().unwrap_or_default();
            photos.push((format!("{synset}/{}", entry.file_name().to_string_lossy()), entry.into_path()));
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
    let mut folders: Vec<&str> = photos.iter().filter_map(|(path, _)| path.split('/').next()).collect();
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

/// Whether a path of the tar, `Images/n02088364-beagle/n02088364_10108.jpg`, is a photo of the breeds.
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
        let expected = files::sha256_bytes(format!("{}{}", line("1.jpg"), line("2.jpg")).as_bytes());
        for folder in ["a", "b"] {
            assert_eq!(digest_of_tree(&dir.path().join(folder)).unwrap(), expected);
        }
    }
}
