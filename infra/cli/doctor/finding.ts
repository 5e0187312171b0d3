/** What one check of `website doctor` found. */
export interface Finding {
  /** What was checked, such as `CRD`. */
  readonly check: string;
  /** `unknown`: this user may not look, or gave no address. */
  readonly state: 'ok' | 'problem' | 'unknown';
  readonly message: string;
  /** What to do about a problem, or how to find out what is unknown. */
  readonly toDo?: string;
}
