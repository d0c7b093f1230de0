package app

import (
	"context"
	"log/slog"
	"os"

	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/internal/config"
)

// defaultConfigPath is read when no configuration is named, if it is there.
const defaultConfigPath = "auspex.yaml"

// ConfigPath returns the file that path means: path itself, the default file, or
// "" for none.
func ConfigPath(path string) string {
	if path != "" {
		return path
	}
	if _, err := os.Stat(defaultConfigPath); err == nil {
		return defaultConfigPath
	}
	return ""
}

// LoadConfig reads the configuration at path, or the default one, with the
// environment over it.
func LoadConfig(path string) (*config.Config, error) {
	return config.Load(ConfigPath(path), os.Environ())
}

// ValidateConfig says whether the configuration at path would be accepted.
func ValidateConfig(stdio IO, path string, format output.Format) error {
	if _, err := LoadConfig(path); err != nil {
		return err
	}
	v := struct {
		File  string `json:"file"`
		Valid bool   `json:"valid"`
	}{configName(path), true}
	return output.Write(stdio.Out, format, v, output.Text(v.File+": ok\n"))
}

// configName names the configuration that path means.
func configName(path string) string {
	if name := ConfigPath(path); name != "" {
		return name
	}
	return "built-in defaults"
}

// ShowConfig prints what is in force, secrets redacted.
func ShowConfig(stdio IO, path string, format output.Format) error {
	c, err := LoadConfig(path)
	if err != nil {
		return err
	}
	return printConfig(stdio, c, format)
}

// DefaultConfig prints the built-in defaults, a file to start from.
func DefaultConfig(stdio IO, format output.Format) error {
	return printConfig(stdio, config.Default(), format)
}

func printConfig(stdio IO, c *config.Config, format output.Format) error {
	data, err := c.YAML()
	if err != nil {
		return err
	}
	if format == output.JSON {
		if data, err = output.YAMLToJSON(data); err != nil {
			return err
		}
	}
	_, err = stdio.Out.Write(data)
	return err
}

// newLog returns the program's log, written to stdio.Err.
func newLog(stdio IO, c config.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel()}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(stdio.Err, options))
	}
	return slog.New(slog.NewTextHandler(stdio.Err, options))
}

// watchConfig applies changes of the configuration file, and SIGHUPs, to a
// running server. Without a file there is nothing to watch.
func watchConfig(ctx context.Context, path string, running *config.Config, again <-chan os.Signal, log *slog.Logger, apply func(*config.Config) error) error {
	if path == "" {
		<-ctx.Done()
		return nil
	}
	return config.Watch(ctx, path, os.Environ(), running, again, log, func(next *config.Config) error {
		if keys := running.NeedRestart(next); len(keys) > 0 {
			log.Warn("changed keys take effect at the next start", "keys", keys)
		}
		return apply(next)
	})
}
