//! Linear memory that can be put back to where it started.
//!
//! A new instance of the guest costs more than most programs do: its tables are filled again, and every page it
//! writes is first faulted in. So an instance that has finished its job cleanly is not thrown away: its memory is a private
//! mapping of the image of the start state, and each page that a job may have written (`written.rs`) is compared with the
//! image and copied back where it differs. Pages stay resident, so the next job need not fault them in; a page that
//! no longer differs after a number of jobs is given back to the kernel, so that it need not be looked at again.
//!
//! Where the kernel lacks the means, [`watch`] gives none and every job gets a new instance.

pub(crate) use crate::written::Watch;
use crate::written::{Run, extend};
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

/// Written pages beyond which those of the last job alone are given back to the kernel at once.
const USUAL_PAGES: usize = 1_024;
/// Written pages beyond which all are given back.
const MOST_PAGES: usize = 4_096;
/// Runs of pages beyond which it is cheaper to give back all than these.
const MOST_RUNS: usize = 128;
/// For how many jobs a written page is kept, each time that it was found to differ, and at most. Keeping one costs a look at
/// it; writing one that was given back costs a fault, which is dearer by a factor of about ten.
const KEPT_FOR: u8 = 16;
const KEPT_AT_MOST: u8 = 64;

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
    /// For how many jobs each page will be kept if it does not differ again; 0 = it was not written.
    kept: Mutex<Vec<u8>>,
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
        Ok(Self { base: base as usize, reserved, size: AtomicUsize::new(0), kept: Mutex::default() })
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
        let pages = image.len.div_ceil(page);
        let written = watch.written(self.base, image.len)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.resize(pages, 0);
        let count: usize = written.iter().map(|(_, count)| count).sum();
        if count > MOST_PAGES {
            kept.fill(0);
            self.give_back(watch, (0, pages))?;
            return Ok(true);
        }
        let mut given_back: Vec<Run> = Vec::new();
        for number in written.into_iter().flat_map(|(first, count)| first..first + count) {
            let new = kept[number] == 0;
            if new && count > USUAL_PAGES {
                extend(&mut given_back, number, 1);
                continue;
            }
            let differs = self.restore_page(image, number * page, page.min(image.len - number * page));
            if new || differs {
                kept[number] = kept[number].saturating_add(KEPT_FOR).min(KEPT_AT_MOST);
            } else {
                kept[number] -= 1;
                if kept[number] == 0 {
                    extend(&mut given_back, number, 1);
                }
            }
        }
        if given_back.len() > MOST_RUNS {
            kept.fill(0);
            given_back = vec![(0, pages)];
        }
        given_back.into_iter().try_for_each(|run| self.give_back(watch, run))?;
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

    /// Gives pages back to the kernel: the next access finds the image's.
    fn give_back(&self, watch: &Watch, (first, count): Run) -> std::io::Result<()> {
        let page = rustix::param::page_size();
        let start = self.base + first * page;
        // SAFETY: the range lies inside this region's own mapping of the image, and no guest runs in it.
        unsafe { rustix::mm::madvise(start as *mut c_void, count * page, Advice::LinuxDontNeed) }?;
        watch.renew(start, count * page)
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
        region.give_back(watch, (0, 4))?;
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
        let resident =
            || watch.written(region.base, len).unwrap().iter().map(|(_, count)| count).sum::<usize>();
        // Few pages, which stay; more than usual, of which the new ones go; too many to go one by one; more than most.
        let few = pages.div_ceil(101);
        for (until, step, stay) in [(pages, 101, few), (1_500, 1, few), (pages, 3, 0), (pages, 1, 0)] {
            (0..until).step_by(step).for_each(|number| write(number * page + 5, 99));
            assert!(region.bytes() != start);
            assert!(region.restore(&image, watch).unwrap());
            assert!(region.bytes() == start, "every {step} pages");
            assert_eq!(resident(), stay, "every {step} pages");
        }
        // A page is given back when it has not differed for long, and is seen again when it is written after that.
        for _ in 0..3 {
            write(7 * page, 99);
            for job in 0..=KEPT_FOR {
                assert_eq!(resident(), 1, "job {job}");
                assert!(region.restore(&image, watch).unwrap());
                assert!(region.bytes() == start);
            }
            assert_eq!(resident(), 0);
        }
        region.grow_to(len + page).unwrap();
        assert!(!region.restore(&image, watch).unwrap(), "a memory that has grown is not used again");
    }
}
