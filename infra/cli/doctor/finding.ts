interface Checked {
  /** What was checked, such as `CRD`. */
  readonly check: string;
  readonly message: string;
}

/** What one check of `website doctor` found. */
export type Finding =
  | (Checked & { readonly state: 'ok'; readonly toDo?: undefined })
  | (Checked & {
      /**
       * `unknown`: this user may not look, or gave no address. `unchecked`: the doctor cannot look there with any rights, so this does
       * not count as a problem.
       */
      readonly state: 'problem' | 'unknown' | 'unchecked';
      /** What to do about a problem, or how to find out what is unknown or unchecked. */
      readonly toDo: string;
    });
