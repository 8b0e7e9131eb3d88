//! Linear memory that can be put back to where it started.
//!
//! A new instance of the guest costs more than most programs do: its tables are filled again, and every page it
//! writes is first faulted in. So an instance that has finished its job cleanly is not thrown away: its memory is a private
//! mapping of the image of the start state, and each page that a job may have written (`written.rs`) is compared with the
//! image and copied back where it differs. Pages stay the memory's own, so the next job need not fault them in; when too many
//! pages have been looked at in vain, the list of written pages is begun anew.
//!
//! Nothing here changes page tables from job to job: in a process with several threads each such change interrupts
//! every other core that runs guests (docs/adr/0009).
//!
//! Where the kernel lacks the means, [`watch`] gives none and every job gets a new instance.

pub(crate) use crate::written::Watch;
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use std::cell::RefCell;
use std::ffi::c_void;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// Pages of its own beyond which a memory gives all of them back to the kernel (16 MiB).
const MOST_PAGES: usize = 4_096;
/// Looks in vain at pages that did not differ, after which the list of written pages is begun anew. The pages that every job
/// writes are then found out again one by one, which costs about as much.
const MOST_IN_VAIN: usize = 16_384;

thread_local! {
    /// Memories made by the instantiation that runs on this thread.
    static MADE: RefCell<Vec<Arc<Region>>> = const { RefCell::new(Vec::new()) };
}

/// A reservation of address space that holds one linear memory.
pub(crate) struct Region {
    base: usize,
    reserved: usize,
    /// Bytes that are accessible, from the base on.
    size: AtomicUsize,
    pages: Mutex<Pages>,
}

/// What is known of a region's pages.
#[derive(Default)]
struct Pages {
    /// Is the page the region's own, because it was written since it was last given back?
    own: Vec<bool>,
    /// How many are.
    count: usize,
    /// How often, since the list of written pages was last begun, a page on it was found to be as the image has it.
    in_vain: usize,
}

impl Pages {
    fn add(&mut self, number: usize) {
        if let Some(own) = self.own.get_mut(number) {
            self.count += usize::from(!std::mem::replace(own, true));
        }
    }
}

impl Region {
    fn reserve(reserved: usize) -> std::io::Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no other.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                null_mut(),
                reserved,
                ProtFlags::empty(),
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        }?;
        Ok(Self { base: base as usize, reserved, size: AtomicUsize::new(0), pages: Mutex::default() })
    }

    fn pointer(&self) -> *mut c_void {
        self.base as *mut c_void
    }

    /// Bytes that are accessible.
    pub(crate) fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    fn grow_to(&self, size: usize) -> std::io::Result<()> {
        if size > self.reserved {
            return Err(std::io::Error::from(std::io::ErrorKind::OutOfMemory));
        }
        // SAFETY: the range lies inside this region's own mapping, which lives as long as `self`.
        unsafe { rustix::mm::mprotect(self.pointer(), size, MprotectFlags::READ | MprotectFlags::WRITE) }?;
        self.size.store(size, Ordering::Relaxed);
        Ok(())
    }

    /// The content. No guest may be running in it.
    fn bytes(&self) -> &[u8] {
        // SAFETY: `size` bytes from the base on are readable, and nothing writes while no guest runs.
        unsafe { std::slice::from_raw_parts(self.pointer().cast::<u8>(), self.size()) }
    }

    /// Replaces the content, which must equal the image, by a private mapping of the image. After an error nothing of the
    /// memory can be accessed any more, or what was written is not known.
    pub(crate) fn adopt(&self, image: &Image, watch: &Watch) -> std::io::Result<()> {
        if self.size() != image.len {
            return Err(std::io::Error::other("a start state of another size"));
        }
        // SAFETY: the range lies inside this region's own mapping, and no guest runs in it.
        let mapped = unsafe {
            rustix::mm::mmap(
                self.pointer(),
                image.len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::FIXED,
                &image.file,
                0,
            )
        };
        if mapped.is_err() {
            // A kernel may have unmapped the range before it failed: close the hole before anything else lands in it.
            // SAFETY: as above; a mapping without access and without commitment needs no memory.
            let _ = unsafe {
                rustix::mm::mmap_anonymous(
                    self.pointer(),
                    image.len,
                    ProtFlags::empty(),
                    MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED,
                )
            };
        }
        mapped?;
        watch.begin(self.base, image.len.next_multiple_of(rustix::param::page_size()))
    }

    /// Puts the content back to the image. False when the memory has grown: it cannot shrink.
    pub(crate) fn restore(&self, image: &Image, watch: &Watch) -> std::io::Result<bool> {
        if self.size() != image.len {
            return Ok(false);
        }
        let page = rustix::param::page_size();
        let written = watch.written(self.base, image.len)?;
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.own.resize(image.len.div_ceil(page), false);
        for number in written.into_iter().flat_map(|(first, count)| first..first + count) {
            pages.add(number);
            let start = number * page;
            if !self.restore_page(image, start, page.min(image.len - start)) {
                pages.in_vain += 1;
            }
        }
        if pages.count > MOST_PAGES {
            *pages = Pages::default();
            self.give_back(image, watch)?;
        } else if pages.in_vain > MOST_IN_VAIN {
            pages.in_vain = 0;
            if !watch.begin_anew(self.base, image.len.next_multiple_of(page))? {
                *pages = Pages::default();
                self.give_back(image, watch)?;
            }
        }
        Ok(true)
    }

    /// Puts a page back to the image; says whether it differed.
    fn restore_page(&self, image: &Image, start: usize, len: usize) -> bool {
        // SAFETY: both ranges lie inside their mappings of `image.len` bytes, which do not overlap, and no guest runs in
        // the region.
        let (from, to) = unsafe {
            (
                std::slice::from_raw_parts((image.base as *const u8).add(start), len),
                std::slice::from_raw_parts_mut(self.pointer().cast::<u8>().add(start), len),
            )
        };
        let differs = from != to;
        if differs {
            to.copy_from_slice(from);
        }
        differs
    }

    /// Gives all pages back to the kernel: the next access finds the image's.
    fn give_back(&self, image: &Image, watch: &Watch) -> std::io::Result<()> {
        let len = image.len.next_multiple_of(rustix::param::page_size());
        // SAFETY: the range lies inside this region's own mapping of the image, and no guest runs in it.
        unsafe { rustix::mm::madvise(self.pointer(), len, Advice::LinuxDontNeed) }?;
        watch.begin_anew(self.base, len).map(|_| ())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is this region's own, and with the last handle nobody uses it any more.
        // Nothing can be done about a failure.
        let _ = unsafe { rustix::mm::munmap(self.pointer(), self.reserved) };
    }
}

/// The content of a start state's memory, sealed in a file without a name.
pub(crate) struct Image {
    file: std::os::fd::OwnedFd,
    base: usize,
    len: usize,
}

impl Image {
    /// The present content of `region`.
    pub(crate) fn of(region: &Region) -> std::io::Result<Self> {
        let content = region.bytes();
        let file = File::from(rustix::fs::memfd_create(
            "python-guest",
            MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
        )?);
        file.set_len(content.len() as u64)?;
        let chunk = rustix::param::page_size();
        for (position, bytes) in content.chunks(chunk).enumerate() {
            if bytes.iter().any(|byte| *byte != 0) {
                file.write_all_at(bytes, (position * chunk) as u64)?;
            }
        }
        rustix::fs::fcntl_add_seals(
            &file,
            SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
        )?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other; the sealed file keeps its length.
        let base = unsafe {
            rustix::mm::mmap(null_mut(), content.len(), ProtFlags::READ, MapFlags::PRIVATE, &file, 0)
        }?;
        Ok(Self { file: file.into(), base: base as usize, len: content.len() })
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the mapping is this image's own. Nothing can be done about a failure.
        let _ = unsafe { rustix::mm::munmap(self.base as *mut c_void, self.len) };
    }
}

/// The way in which memory can be put back on this machine, if there is one. Tries it.
pub(crate) fn watch() -> Option<Watch> {
    [true, false].into_iter().find_map(|marks| {
        let watch = Watch::open(marks).ok()?;
        tried(&watch).unwrap_or(false).then_some(watch)
    })
}

/// Does a memory come back as it was, after a write and after its pages were given back to the kernel?
fn tried(watch: &Watch) -> std::io::Result<bool> {
    let page = rustix::param::page_size();
    let len = 4 * page;
    let region = Region::reserve(2 * len)?;
    region.grow_to(len)?;
    let fill = |value: u8| {
        // SAFETY: the page lies inside the region's accessible part.
        unsafe { region.pointer().cast::<u8>().add(2 * page).write_volatile(value) };
    };
    fill(1);
    let image = Image::of(&region)?;
    region.adopt(&image, watch)?;
    for _ in 0..2 {
        let untouched = region.bytes()[2 * page] == 1 && watch.written(region.base, len)?.is_empty();
        fill(2);
        let seen = watch.written(region.base, len)? == [(2, 1)];
        if !(untouched && seen && region.restore(&image, watch)? && region.bytes()[2 * page] == 1) {
            return Ok(false);
        }
        region.give_back(&image, watch)?;
    }
    Ok(true)
}

/// Makes the linear memories of instances.
pub(crate) struct Creator;

// SAFETY: a memory lies at the start of its own reservation of the asked size plus guard; what is not accessible stays
// mapped without any access, and it never moves.
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        _ty: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let capacity = reserved.or(maximum).unwrap_or(1 << 32).max(minimum);
        let make = || -> std::io::Result<Arc<Region>> {
            let region = Region::reserve(capacity + guard)?;
            region.grow_to(minimum)?;
            Ok(Arc::new(region))
        };
        let region = make().map_err(|error| format!("no memory for a guest: {error}"))?;
        MADE.with_borrow_mut(|made| made.push(Arc::clone(&region)));
        Ok(Box::new(Linear { region, capacity }))
    }
}

struct Linear {
    region: Arc<Region>,
    capacity: usize,
}

// SAFETY: see `Creator`.
unsafe impl LinearMemory for Linear {
    fn byte_size(&self) -> usize {
        self.region.size()
    }

    fn byte_capacity(&self) -> usize {
        self.capacity
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        if new_size > self.capacity {
            return Err(std::io::Error::from(std::io::ErrorKind::OutOfMemory).into());
        }
        Ok(self.region.grow_to(new_size)?)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.region.pointer().cast()
    }
}

/// Runs an instantiation and returns the memories it made, in their order.
pub(crate) fn made_by<T>(instantiate: impl FnOnce() -> T) -> (T, Vec<Arc<Region>>) {
    MADE.with_borrow_mut(Vec::clear);
    let made = instantiate();
    (made, MADE.take())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_region_is_put_back_page_by_page_or_whole() {
        for marks in [true, false] {
            match Watch::open(marks) {
                Ok(watch) if tried(&watch).unwrap_or(false) => check_region(&watch),
                _ => {
                    let reason = "the kernel lacks the means";
                    let _ = writeln!(
                        std::io::stderr(),
                        "skipped: a_region_is_put_back (marks: {marks}): {reason}"
                    );
                }
            }
        }
    }

    fn check_region(watch: &Watch) {
        let page = rustix::param::page_size();
        let pages = MOST_PAGES + 1_000;
        let len = pages * page;
        let region = Region::reserve(2 * len).unwrap();
        region.grow_to(len).unwrap();
        let write = |at: usize, value: u8| {
            // SAFETY: inside the accessible part.
            unsafe { region.pointer().cast::<u8>().add(at).write_volatile(value) };
        };
        (0..len).step_by(page / 2).for_each(|at| write(at, (at / page) as u8));
        let start = region.bytes().to_vec();
        let image = Image::of(&region).unwrap();
        region.adopt(&image, watch).unwrap();
        assert!(region.bytes() == start);
        let listed = || watch.written(region.base, len).unwrap().iter().map(|(_, n)| n).sum::<usize>();
        let own = || region.pages.lock().unwrap().count;
        let restore = |what: &str| {
            assert!(region.restore(&image, watch).unwrap());
            assert!(region.bytes() == start, "{what}");
        };
        // Few pages and more stay the region's own; more than most are given back.
        for (step, stay) in [(100, pages.div_ceil(100)), (2, pages.div_ceil(2)), (1, 0)] {
            (0..pages).step_by(step).for_each(|number| write(number * page + 5, 99));
            assert!(region.bytes() != start);
            restore("written");
            assert_eq!((own(), listed() >= own()), (stay, true), "every {step} pages");
        }
        assert_eq!(listed(), 0);
        // The list is begun anew after a while, and what is written after that is on it again.
        for _ in 0..2 {
            (0..1_000).for_each(|number| write(number * page, 98));
            for job in 0..=MOST_IN_VAIN / 1_000 {
                assert_eq!(listed(), 1_000, "job {job}");
                restore("looked at in vain");
                assert_eq!(own(), 1_000, "job {job}");
            }
            restore("begun anew");
            assert_eq!(listed(), 0);
        }
        region.grow_to(len + page).unwrap();
        assert!(!region.restore(&image, watch).unwrap(), "a memory that has grown is not used again");
    }
}
