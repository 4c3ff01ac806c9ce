/** What ends together with a test. */
export interface Ending {
  after: (end: () => unknown) => void;
}
