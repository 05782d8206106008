package sqlite

import "context"

// Pragma changes a setting of SQLite's, such as "max_page_count = 1", beyond
// which the file can't grow.
func (s *Store) Pragma(ctx context.Context, setting string) error {
	_, err := s.db.ExecContext(ctx, "PRAGMA "+setting)
	return err
}

// Setting returns a setting of SQLite's.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.db.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	return value, err
}
