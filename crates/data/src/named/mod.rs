//! Finds photos by what the user names: files, folders, patterns, tars, lists, standard input.

mod list;
mod members;
mod no_photo;
mod numbered;
mod pieces;

use std::path::PathBuf;

use kennel_core::Shard;

use self::list::names_in;
use self::members::members;
pub use self::no_photo::NoPhoto;
pub use self::pieces::is_tar_name;
use self::pieces::{Found, Piece, or_none, pieces};
use crate::error::Result;
use crate::photo_source::PhotoSource;

/// Photos by their names, all of them or a share.
///
/// - `-` is standard input.
/// - A folder is searched recursively for files that are named like photos or begin like one.
/// - A file called `.tar` stands for the photos in it.
/// - A name that is no file may be a pattern, with `*`, `?` or `[`, or numbered names, such as
///   `{000..999}.tar`.
#[derive(Clone, Debug, Default)]
pub struct Named {
    names: Vec<PathBuf>,
    list: Option<PathBuf>,
    share: Option<Shard>,
}

impl Named {
    /// Photos by these names.
    pub fn new(names: Vec<PathBuf>) -> Self {
        Self { names, ..Self::default() }
    }

    /// Adds the names in a file, one a line; `-` is standard input. Empty lines are skipped.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened.
    pub fn with_list(self, list: PathBuf) -> Result<Self> {
        list::check(&list)?;
        Ok(Self { list: Some(list), ..self })
    }

    /// Keeps a share. The photos of all shares, one share after the other, are the photos of all.
    /// A tar is not divided. Every share goes through all names first, to count what they stand
    /// for, so standard input cannot be shared.
    pub fn shared(self, share: Shard) -> Self {
        Self { share: Some(share), ..self }
    }

    /// Finds the photos in the order of the names and, within a folder, by name. They are found as
    /// they are taken: in memory are the names of one folder at a time, and nothing of a list or a
    /// tar.
    pub fn sources(self) -> impl Iterator<Item = Result<PhotoSource, NoPhoto>> {
        let range = match self.share {
            Some(share) => share.range(self.clone().pieces().count()),
            None => 0..usize::MAX,
        };
        let pieces = self.pieces().skip(range.start).take(range.len());
        pieces.flat_map(|piece| -> Box<dyn Iterator<Item = Result<PhotoSource, NoPhoto>>> {
            match piece {
                Ok(Piece::Photo(source)) => Box::new(std::iter::once(Ok(source))),
                Ok(Piece::Tar(path)) => {
                    let name = path.to_string_lossy().into_owned();
                    or_none(name, "no photo lies in it", members(path))
                }
                Err(none) => Box::new(std::iter::once(Err(none))),
            }
        })
    }

    fn pieces(self) -> impl Iterator<Item = Found> {
        let listed = self.list.into_iter().flat_map(names_in);
        let names = self.names.into_iter().map(Ok).chain(listed);
        names.flat_map(|name| match name {
            Ok(name) => pieces(name),
            Err(none) => Box::new(std::iter::once(Err(none))),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn names(folder: &Path, asked: &[&str]) -> Vec<String> {
        let asked = asked
            .iter()
            .map(|name| if *name == "-" { "-".into() } else { folder.join(name) })
            .collect();
        let short = |name: String| {
            name.strip_prefix(&*folder.to_string_lossy()).map_or(name.clone(), |s| s[1..].into())
        };
        Named::new(asked)
            .sources()
            .map(|source| match source {
                Ok(source) => short(source.to_string()),
                Err(none) => format!("{}: {}", short(none.asked), none.reason),
            })
            .collect()
    }

    #[test]
    fn files_folders_and_patterns_lead_to_photos_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path();
        std::fs::create_dir_all(here.join("photos/b/deep")).unwrap();
        std::fs::create_dir(here.join("empty")).unwrap();
        for name in [
            "photos/2.JPG",
            "photos/1.png",
            "photos/b/deep/3.webp",
            "photos/notes.txt",
            "odd[1].jpg",
        ] {
            std::fs::write(here.join(name), "").unwrap();
        }
        assert_eq!(
            names(here, &["photos"]),
            ["photos/1.png", "photos/2.JPG", "photos/b/deep/3.webp"]
        );
        std::fs::write(
            here.join("photos/b/no ending"),
            b"\xff\xd8\xff\xe0 and so on, as JPEG begins",
        )
        .unwrap();
        assert_eq!(names(here, &["photos/b"]), ["photos/b/deep/3.webp", "photos/b/no ending"]);
        assert_eq!(names(here, &["photos/*.png", "-"]), ["photos/1.png", "-"]);
        assert_eq!(names(here, &["photos/*.jpg"]), ["photos/2.JPG"]);
        // A file whose name looks like a pattern is a file.
        assert_eq!(names(here, &["odd[1].jpg"]), ["odd[1].jpg"]);
        assert_eq!(names(here, &["gone.jpg"]), ["gone.jpg"]);
        assert_eq!(names(here, &["empty", "x*.jpg", "photos/[.jpg"]).len(), 3);
        assert!(names(here, &["empty"])[0].contains("no photo lies in it"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_a_row_and_blocks_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["pipe.jpg", "pipe"] {
            nix::unistd::mkfifo(&at(name), nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        std::os::unix::fs::symlink("/dev/zero", at("endless.png")).unwrap();
        std::os::unix::fs::symlink("gone.jpg", at("astray.jpg")).unwrap();
        let said: Vec<String> = Named::new(vec![dir.path().into()])
            .sources()
            .map(|source| source.unwrap().read().unwrap_err().to_string())
            .collect();
        assert_eq!(said.len(), 3, "{said:?}");
        for (said, end) in said.iter().zip([
            "astray.jpg: it is a link that leads nowhere",
            "endless.png: it is a device, not a file",
            "pipe.jpg: it is a pipe, not a file",
        ]) {
            assert!(said.ends_with(end), "{said}");
        }
    }

    #[test]
    fn an_address_is_not_fetched() {
        let asked = vec!["https://example.org/dog.jpg?size=2".into()];
        let source = Named::new(asked).sources().next().unwrap().unwrap();
        let said = source.read().unwrap_err().to_string();
        assert!(said.contains("nothing is fetched"), "{said}");
    }

    /// Writes a tar with these members, and its end mark if it is `whole`.
    fn write_tar(path: &Path, members: &[(&str, &[u8])], whole: bool) {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, name, *bytes).unwrap();
        }
        let mut bytes = tar.into_inner().unwrap();
        if !whole {
            bytes.truncate(bytes.len() - 1024);
        }
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn photos_of_a_tar_are_read_where_they_lie() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path();
        let mut png = std::io::Cursor::new(Vec::new());
        let photo = crate::RgbImage::from_pixel(7, 5, [1, 2, 3].into());
        photo.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let (png, long) = (png.into_inner(), format!("{}/3.png", "deep/".repeat(40)));
        let members: [(&str, &[u8]); 7] = [
            ("1.png", &png),
            ("1.cls", b"4"),
            ("dogs/2.PNG", &png),
            ("dogs/._2.png", b"of macOS"),
            ("__MACOSX/1.png", b"of macOS"),
            (&long, &png),
            ("none.jpg", b"no photo"),
        ];
        write_tar(&here.join("07.tar"), &members, true);
        let of = [format!("07.tar/{}", members[0].0), "07.tar/dogs/2.PNG".into()];
        let long = format!("07.tar/{long}").replace("//", "/");
        let expected = [&of[0], &of[1], &long, "07.tar/none.jpg"];
        assert_eq!(names(here, &["{07..7}.tar"]), expected);
        let read: Vec<_> = Named::new(vec![here.join("07.tar")])
            .sources()
            .map(|source| source.unwrap().read().map(|decoded| decoded.photo))
            .collect();
        assert!(read[..3].iter().all(|read| read.as_ref().unwrap() == &photo));
        let error = read[3].as_ref().unwrap_err().to_string();
        assert!(error.contains("none.jpg") && error.contains("no photo"), "{error}");

        write_tar(&here.join("cut.tar"), &members[..1], false);
        let cut = "cut.tar: it has no end mark: it may have been cut off";
        assert_eq!(names(here, &["cut.tar"]), ["cut.tar/1.png", cut]);
        std::fs::write(here.join("packed.tar.gz"), [0x1F, 0x8B, 8, 0]).unwrap();
        assert!(names(here, &["packed.tar.gz"])[0].contains("gzip"));
        write_tar(&here.join("words.tar"), &[("a.txt", b"words")], true);
        assert_eq!(names(here, &["words.tar"]), ["words.tar: no photo lies in it"]);
        assert!(names(here, &["gone.tar"])[0].starts_with("gone.tar: "));
    }

    #[test]
    fn a_list_has_a_name_a_line_however_its_lines_end() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("list");
        let names = |text: &[u8]| -> Vec<String> {
            std::fs::write(&list, text).unwrap();
            let sources =
                Named::new(vec!["0.jpg".into()]).with_list(list.clone()).unwrap().sources();
            let name = |source: Result<PhotoSource, NoPhoto>| {
                source.map_or_else(|none| none.reason, |source| source.to_string())
            };
            sources.map(name).collect()
        };
        assert_eq!(
            names(b"a b.jpg\n\n\tc.jpg\n-\nd.jpg"),
            ["0.jpg", "a b.jpg", "\tc.jpg", "-", "d.jpg"]
        );
        assert_eq!(
            names(b"\xef\xbb\xbfa.jpg\r\nb{1..2}.jpg\r\n"),
            ["0.jpg", "a.jpg", "b1.jpg", "b2.jpg"]
        );
        let long = [b"a.jpg\n".as_slice(), &[b'x'; 70_000]].concat();
        assert!(names(&long)[2].starts_with("line 2: it has more than 65536 bytes"));
        assert!(Named::new(Vec::new()).with_list(dir.path().join("gone")).is_err());
    }

    #[test]
    fn shares_one_after_the_other_are_all_photos_and_no_tar_is_divided() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path();
        std::fs::create_dir(here.join("folder")).unwrap();
        for name in ["folder/1.jpg", "folder/2.jpg", "folder/3.jpg", "4.jpg"] {
            std::fs::write(here.join(name), "").unwrap();
        }
        write_tar(&here.join("5.tar"), &[("a.jpg", b""), ("b.jpg", b"")], true);
        let named = Named::new(["folder", "4.jpg", "5.tar"].map(|name| here.join(name)).into());
        let all: Vec<_> = named.clone().sources().collect();
        assert_eq!(all.len(), 6);
        for of in 1..8 {
            let share = |index| named.clone().shared(Shard::new(index, of).unwrap()).sources();
            assert_eq!((0..of).flat_map(share).collect::<Vec<_>>(), all, "{of} shares");
        }
        let last: Vec<_> = named.shared(Shard::new(4, 5).unwrap()).sources().collect();
        assert_eq!(last, all[4..]);
    }
}
