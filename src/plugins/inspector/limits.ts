/** What is too much to be unpacked: pixels of an image, pixels of all frames of one that moves, frames. Whoever sees it unpacks it, too. */
export const most = { pixels: 50_000_000, movingPixels: 500_000_000, frames: 2000 };
