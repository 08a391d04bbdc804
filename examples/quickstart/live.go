package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

const shutdownTime = 15 * time.Second

// runLive relays between standard input and a real organization until ctx or the input ends.
func runLive(ctx context.Context, set settings, s *story, in io.Reader) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", set.listen)
	if err != nil {
		return fmt.Errorf("GENESYS_LISTEN: %w", err)
	}
	return relay(ctx, l, set.channel, s, in)
}

func relay(ctx context.Context, l net.Listener, c handover.Channel, s *story, in io.Reader, opts ...genesys.Option) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b, err := wire(c, s, opts...)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("POST /genesys", webhook.NewHandler(b.desk, b.desk.Receive))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	failed := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.desk.Run(ctx) })
	wg.Go(func() {
		if err := b.listen(ctx, c.AgentQueue); ctx.Err() == nil {
			s.line("no notifications, so it is polled: %v", err)
		}
	})
	wg.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	s.chapter(fmt.Sprintf("Listening on %s for POST /genesys, which Genesys must reach as https on port 443. Type what the customer writes.", l.Addr()))
	err = chatFrom(ctx, b, lines(ctx, in), failed)

	stopping, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer stop()
	err = errors.Join(err, srv.Shutdown(stopping))
	cancel()
	wg.Wait()
	return err
}

// chatFrom sends each line as a message of the customer until in is closed, ctx ends, or the
// server fails.
func chatFrom(ctx context.Context, b *bot, in <-chan string, failed <-chan error) error {
	began := time.Now().UnixNano()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case text, ok := <-in:
			if !ok {
				return nil
			}
			if err := b.receive(ctx, handover.Text(fmt.Sprintf("%d-%d", began, n), text)); err != nil {
				b.story.line("not accepted: %v", err)
			}
		}
	}
}

func lines(ctx context.Context, in io.Reader) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		scan := bufio.NewScanner(in)
		for scan.Scan() {
			if scan.Text() == "" {
				continue
			}
			select {
			case out <- scan.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
